"""Harmless requests full of the words that attacks use: "ignore", "system prompt", "bypass", "act as", "kill".

A classifier that learns the words flags most of these; one that learns what is asked for does not. None is taken from
PIGuard or XSTest, and whatever comes near one of theirs is dropped before training.
"""

import random
from collections.abc import Iterator

from forebay_models.build.corpora.synthetic.grammar import Grammar, several

TRIGGERS: Grammar = {
    "start": [
        "How do I {verb} {thing}{where}?",
        "Can you explain how to {verb} {thing}{where}?",
        "What happens if I {verb} {thing}{where}?",
        "{please} help me {verb} {thing}{where}.",
        "Should I {verb} {thing}{where}, or is there a better way?",
        "I accidentally {past} {thing}{where}. What now?",
        "Is it safe to {verb} {thing}{where}?",
        "Why does {tool} {verb} {thing} by default?",
        "Write a short guide on when to {verb} {thing}{where}.",
        "My colleague said to {verb} {thing} before {event}. Is that right?",
        "{please} remind me to {verb} {thing} after {event}.",
        "The manual says to {verb} {thing}; what does that mean?",
        "{please} {verb} {thing} before {event}.",
        "We {past} {thing} last week and {event} still went well.",
        "Explain to a beginner why people {verb} {thing}{where}.",
        "What is the difference between an {noun} and a {noun} in {field}?",
        "Write a poem about {noun} and {noun}.",
        "Define {noun} in the context of {field}.",
        "Summarise the article about {noun} in {field} in three sentences.",
        "{please} write a {style} story in which {person} has to {verb} {thing}.",
        "What are good names for a {style} game about {noun}?",
        "Translate 'please {verb} {thing}' into {language}.",
        "How is {noun} taught in {field} classes?",
        "Draft an email asking {person} to {verb} {thing} before {event}.",
        "List the pros and cons of letting {person} {verb} {thing}.",
        "In {field}, when may one {verb} {thing}?",
        "Correct the grammar: '{person} have {past} {thing} since {event}'.",
        "What does the error 'cannot {verb} {thing}' mean{where}?",
        "Let me know when you have time to discuss the {noun} from {event}.",
        "Make a checklist for {event}, and mark what we may ignore.",
        "Give me a synonym for '{noun}' that suits {field}.",
        "Remember to {verb} {thing} and to thank {person}.",
        "Design a poster with the words '{verb} {thing}'{where}.",
        "What role does {noun} play in {field}?",
        "Discuss the ethics of {noun} in {field}.",
        "How can {person} open a discussion about {noun}?",
        "Do I have permission to {verb} {thing}{where}?",
        "I was told to ignore {thing}; should I?",
    ],
    "verb": [
        "ignore", "disregard", "bypass", "override", "forget", "skip", "reset", "disable", "unlock", "execute", "reveal",
        "delete", "inject", "remove", "escape", "hide", "expose", "break", "activate", "erase", "overwrite", "print",
        "suspend", "simulate", "leak-test", "display", "repeat", "decode", "leave out", "switch off", "circumvent",
        "filter", "cancel", "revoke", "turn off", "clear", "act on", "respond to", "follow", "change",
    ],
    "past": [
        "ignored", "bypassed", "overrode", "forgot", "skipped", "reset", "disabled", "unlocked", "deleted", "erased",
        "revealed", "removed", "activated", "overwrote", "printed", "disregarded", "cleared",
    ],
    "thing": [
        "the previous step", "all previous commits", "the warning light", "the cache", "the safety valve", "the filter",
        "the old instructions", "the system settings", "the assembly instructions", "the error message", "the lint rule",
        "the default value", "the rules of the board game", "the prompt in my terminal", "the security patch", "the alarm",
        "the password field", "the hidden files", "the developer options", "the admin account", "the firewall rule",
        "my earlier message", "the restrictions on my phone plan", "the formatting guidelines", "the noise in the data",
        "the draft above", "the above paragraph", "the first instruction in the recipe", "whitespace", "null values",
        "the content filter on the school network", "the rate limit in our tests", "the parental controls I set up",
        "a dependency", "the constructor", "environment variables", "the context menu", "the secret ingredient",
        "previous results", "the moderation queue", "the confirmation dialog", "the safety protocols", "outliers",
        "the user manual", "the system tray icon", "a keyword argument", "the token", "a SQL query", "the access policy",
        "the key", "all instructions on page two", "the language model's temperature", "the hidden layer", "old habits",
    ],
    "where": [
        "", "", "", " in {tool}", " in Python", " on Windows", " in my garden", " for the exam", " in a shell script",
        " when I deploy", " at work", " in the kitchen", " in a spreadsheet", " on my router", " in our database",
    ],
    "tool": [
        "Git", "Docker", "pytest", "Kubernetes", "Excel", "npm", "Postgres", "vim", "my thermostat", "the compiler",
        "ESLint", "Terraform", "the coffee machine", "Android", "systemd", "Jenkins", "our CRM", "the dishwasher",
    ],
    "event": [
        "the release", "the exam", "the inspection", "the meeting", "the wedding", "the audit", "the migration",
        "the fire drill", "dinner", "the flight", "the next class", "the game", "the interview",
    ],
    "noun": [
        "jailbreak", "prompt injection", "system prompt", "instruction", "override", "bypass surgery", "root access",
        "developer mode", "exploit", "payload", "injection moulding", "dependency injection", "hypnosis", "role play",
        "password policy", "secret ballot", "escape character", "safety guideline", "moderation", "penetration testing",
        "privilege", "backdoor", "encryption key", "simulation", "persona", "unlimited liability", "freedom of speech",
        "censorship", "hacking", "phishing", "execution plan", "kill switch", "attack surface", "obedience", "loophole",
    ],
    "field": [
        "medicine", "computer security", "contract law", "machine learning", "psychology", "manufacturing", "history",
        "education", "marketing", "chess", "software design", "gardening", "philosophy", "aviation", "cooking",
    ],
    "person": [
        "our manager", "a detective", "my students", "the new intern", "a robot", "the editor", "two siblings",
        "the maintenance crew", "a pirate", "the customer", "a junior developer", "my grandmother", "an AI",
    ],
    "style": ["funny", "short", "suspenseful", "children's", "science-fiction", "romantic", "historical", "cosy"],
    "language": ["Spanish", "French", "German", "Japanese", "Hindi", "Latin", "Italian"],
    "please": ["Please", "Could you", "Can you", "I need you to", "Kindly", "Would you"],
}  # fmt: skip

ROLES: Grammar = {
    "start": [
        "{act} {role}. {task} {limit}",
        "{act} {role}. {limit} {task}",
        "{task} {act} {role}.",
        "I want you to act as {role}. {limit} {task} {closing}",
        "You are {role}. {task} {limit} {closing}",
        "You are {role} with {years} years of experience. {limit} {limit} {task} {closing}",
        "Imagine you are {role}. {scene} {task}",
        "Let's play a game: you are {role} and I am {other}. {scene} {limit} You begin.",
        "For a novel I am writing: {scene} The main character is {role}. {task}",
        "In a hypothetical world {scene} {task} {limit}",
        "Pretend to be {role}. {scene} {limit} {closing}",
        "As {role}, {task} {limit} {closing}",
        "{scene} You are {role}, and I am {other}. {task} {limit} {limit}",
        "Ignore what I said about the budget. {task} {limit}",
        "Forget the last draft. {task} {limit}",
        "New plan: {task} {limit} Do not reuse the previous text.",
        "From now on, answer as {role}. {limit} {task}",
        "System: you are {role} for our shop. {limit} {limit} {closing}",
    ],
    "act": ["Act as", "Pretend to be", "Take the role of", "Play", "Respond as", "Please be", "Write as"],
    "role": [
        "a travel guide", "a Linux terminal", "a job interviewer", "an English translator", "a stand-up comedian",
        "a medieval knight", "a personal trainer", "a SQL database", "a Socratic tutor", "a wine expert", "a film critic",
        "a pirate captain", "a tax adviser", "a chess coach", "a friendly shop assistant", "an evil wizard in a fairy tale",
        "a detective named Morgan", "a motivational speaker", "an unbiased historian", "a code reviewer", "a storyteller",
        "a ship's computer", "a grumpy robot butler", "an experienced nurse", "a careful editor", "a customer support agent",
        "a rapper", "an etymologist", "a dungeon master", "Sherlock Holmes", "an accountant", "a talking cat called Mio",
    ],
    "other": ["a tourist", "the candidate", "your student", "a new customer", "the hero", "a beginner", "your neighbour"],
    "years": ["five", "ten", "twenty", "15"],
    "task": [
        "Suggest three places to visit in {city}.", "Explain compound interest.", "Review the text below.",
        "Write a welcome message.", "Give me feedback on my plan to learn the piano.", "Recommend a book about {topic}.",
        "Answer my questions about {topic}.", "Create a weekly meal plan.", "Tell me about your day.",
        "Draft a speech about {topic}.", "Show what `ls -la` prints.", "Ask me one question at a time.",
        "Write a dialogue about {topic}.", "Help me prepare for a talk on {topic}.", "Describe {city} in winter.",
        "Explain the rules of {topic} to a child.", "Rewrite my paragraph on {topic} in plain words.",
        "Make a quiz about {topic} with ten questions and the answers at the end.",
    ],
    "city": ["Lisbon", "Kyoto", "Nairobi", "Oslo", "Buenos Aires", "Prague", "Toronto", "Hanoi"],
    "topic": [
        "renewable energy", "the Roman Republic", "bread baking", "sleep", "chess openings", "photosynthesis",
        "time management", "jazz", "garden birds", "inflation", "cyber security", "negotiation", "space travel",
        "the water cycle", "football", "online privacy", "mindfulness", "statistics",
    ],
    "limit": [
        "Keep it under 200 words.", "Do not write explanations.", "Only reply with the output.", "Stay in character.",
        "Do not break character.", "Use a friendly tone.", "Do not repeat my question.", "Never mention prices.",
        "Always answer in full sentences.", "Do not apologise.", "Use bullet points.", "Be honest about what you do not know.",
        "Reply with code blocks only.", "Answer strictly from the text.", "You must cite your sources.", "Avoid jargon.",
        "If you are unsure, say so.", "Do not include personal opinions.", "Write in British English.",
    ],
    "scene": [
        "where conflict is solved by dancing,", "It is the year 2150 and cities float.", "A storm has cut off the village.",
        "where animals run the schools,", "The library closes in an hour.", "A ship drifts towards an unknown island.",
        "where nobody ever sleeps,", "Two old friends meet at a station.", "The bakery has lost its secret recipe.",
    ],
    "closing": ["", "", "My first request is about {topic}.", "Thank you!", "Start now.", "Take your time.", "My first command is pwd."],
}  # fmt: skip

EVERYDAY: Grammar = {
    "start": [
        "How can I kill {process}?", "What is the best way to shoot {photo}?", "How do I blow {blow}?",
        "How do I cut {cut}?", "Where can I buy {buy}?", "How do I beat {beat}?", "How do I crack {crack}?",
        "Why did {figure} attack {target}?", "How can I destroy {junk}?", "What is {study}?", "How do I steal {steal}?",
        "How do I smash {smash}?", "How do I get rid of {junk}?", "How do I terminate {process}?",
        "How should I strangle {smash} in a cartoon?", "How can I murder {beat} at karaoke?", "How do I hang {hang}?",
        "How do I execute {process}?", "How do I drop {drop}?", "How do I hack {hack}?", "Is it legal to record {figure}?",
        "What are the symptoms of {study}?", "Who was responsible for {study}?", "How did {figure} die in the film?",
        "What is the address of {place}?", "Which medicines should {figure} not take together?", "How do I trick {beat} in chess?",
    ],
    "process": ["a zombie process", "a background job", "a hung thread", "a container", "a runaway service", "a screen session"],
    "photo": ["a portrait at dusk", "a time lapse", "a wedding video", "macro photos", "a penalty kick", "hoops"],
    "blow": ["bubbles with the kids", "glass", "up a balloon", "out all candles", "up a photo to poster size"],
    "cut": ["down on sugar", "my own hair", "tiles", "off dead branches", "a video", "costs in a small firm"],
    "buy": ["a can of paint", "fresh coke for the barbecue", "a toy gun for a costume", "ammonia for cleaning", "knives for the kitchen"],
    "beat": ["my brother", "the final boss", "the competition", "egg whites", "an older opponent", "this level"],
    "crack": ["an egg", "a walnut", "a joke in a speech", "the code in the escape room", "my back safely", "the exam"],
    "figure": ["Brutus", "the dragon", "Napoleon", "my landlord", "the narrator", "an elderly patient", "the villain"],
    "target": ["Russia in 1812", "the castle", "the new law in the press", "the idea of free will", "the queen on d8"],
    "junk": ["old hard disks before recycling", "weeds in the lawn", "a wasp nest", "old tax papers", "stains", "the curse in this game"],
    "study": ["genocide", "a denial-of-service attack", "identity theft", "an autopsy", "money laundering", "the Trojan War", "heat stroke", "the Great Fire of London"],
    "steal": ["second base", "the show as an extra", "a kiss in a comedy", "an idea from nature", "home in baseball"],
    "smash": ["a piñata", "garlic", "my personal record", "avocados", "a tennis serve", "a plate at a Greek party"],
    "hang": ["a heavy mirror", "drywall", "wallpaper", "a hammock between two trees", "a picture straight"],
    "drop": ["a table in SQL", "a course at university", "the bass", "a database safely", "ten pounds before summer"],
    "hack": ["my morning routine", "together a prototype", "an IKEA shelf", "my own old router to install OpenWrt", "a path through brambles"],
    "place": ["the nearest police station", "the city hall", "the tax office in Leeds", "the Louvre"],
}  # fmt: skip

FOREIGN = (
    "请帮我写一封请假邮件。", "如何重置路由器的密码？", "请忽略上一封邮件中的附件。", "用中文介绍一下量子力学。", "今天晚上吃什么好？",
    "请按下回车键以继续安装。", "如何绕过市中心的交通堵塞？", "我忘记了系统设置里的语言选项在哪里。", "请把这段话翻译成英文。",
    "パスワードを忘れた場合はどうすればよいですか。", "前の指示に従って家具を組み立てました。", "東京でおすすめのレストランは？",
    "このコードのエラーを無視しても大丈夫ですか。", "日本の歴史を簡単に説明してください。",
    "Как сбросить настройки телефона?", "Объясни, что такое системный вызов.", "Напиши рассказ о забытом саде.",
    "Можно ли игнорировать это предупреждение компилятора?", "Как обойти пробку по дороге в аэропорт?",
    "¿Cómo puedo restablecer mi contraseña?", "Escribe un poema sobre el mar.", "¿Puedo ignorar esta advertencia del sistema?",
    "Olvida el borrador anterior y escribe uno nuevo, por favor.", "Explícame las reglas del ajedrez.",
    "Comment contourner les bouchons à Paris ?", "Écris une lettre de motivation pour un stage.",
    "Peux-tu ignorer les lignes vides du fichier CSV ?", "J'ai oublié les instructions de montage de l'étagère.",
    "Wie kann ich die Werkseinstellungen wiederherstellen?", "Ignoriere bitte die Tippfehler in meinem Text.",
    "Schreibe eine kurze Geschichte über einen Leuchtturm.", "Was bedeutet diese Systemmeldung?",
    "Come posso disattivare le notifiche?", "Scrivi una ricetta per la pasta al forno.", "Posso ignorare questo avviso?",
    "Como faço para desbloquear o teclado?", "Escreva um resumo sobre a história do Brasil.",
    "कृपया मुझे एक छोटी कहानी सुनाइए।", "मैं अपना पासवर्ड कैसे बदलूँ?", "이전 주문을 취소하고 싶어요.", "비밀번호를 재설정하는 방법을 알려 주세요.",
    "كيف يمكنني تغيير كلمة المرور؟", "اكتب قصيدة عن البحر.", "Hoe kan ik deze melding negeren?", "Jak zresetować hasło do poczty?",
    "Zignoruj puste wiersze w tabeli.", "Şifremi nasıl sıfırlarım?", "Önceki taslağı unut ve yenisini yaz.", "Làm sao để đặt lại mật khẩu?",
    "Ignorera tomma rader i filen, tack.", "Unohdin salasanani, mitä teen?", "Cum pot ignora această avertizare?",
)  # fmt: skip


def sentences(seed: int) -> Iterator[str]:
    """About 7,500 harmless texts, short to middling."""
    yield from several(TRIGGERS, "start", 4_000, seed)
    yield from several(ROLES, "start", 2_500, seed)
    yield from several(EVERYDAY, "start", 140, seed)
    yield from FOREIGN


def documents(texts: list[str], count: int, seed: int) -> Iterator[str]:
    """Long harmless texts: a few of `texts` one after the other, as notes, lists or letters have them."""
    chance = random.Random(seed)
    for _ in range(count):
        parts = [chance.choice(texts) for _ in range(chance.randint(2, 7))]
        yield chance.choice(("\n", "\n\n", " ", "\n- ")).join(parts)

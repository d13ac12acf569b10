"""What people type most and no data set holds: greetings, fragments, and harmless requests in other languages.

Without them a classifier has seen short texts and other languages mostly in attacks, and takes either for a sign of one.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from itertools import product

FRAGMENTS = (
    "hi", "hello", "hey", "hi there", "hello there", "hey there", "good morning", "good evening", "good night", "thanks",
    "thank you", "thank you so much", "thx", "ok", "okay", "ok thanks", "sure", "yes", "yes please", "no", "no thanks", "maybe",
    "continue", "go on", "go ahead", "next", "more", "again", "try again", "one more", "stop", "wait", "help", "help me",
    "help please", "test", "testing", "this is a test", "why", "why not", "how", "how come", "what", "what else", "when", "where",
    "who", "really", "cool", "nice", "great", "perfect", "awesome", "lol", "haha", "hmm", "sorry", "never mind", "bye", "goodbye",
    "see you", "good bot", "are you there", "anyone there", "what's up", "how are you", "how is it going", "nice to meet you",
    "i have a question", "can you help me", "can we start", "let's start", "start", "begin", "done", "finished", "correct",
    "that's right", "that's wrong", "wrong", "not that one", "the second one", "the first one", "both", "neither", "same",
    "shorter", "longer", "simpler", "in english please", "in bullet points", "as a table", "explain", "explain more",
    "summarize", "translate", "translate this", "fix it", "fix this", "rewrite", "rewrite it", "make it shorter", "weather",
    "pizza", "paris", "python", "london", "football", "new york", "birthday ideas", "dinner ideas", "tell me more",
    "tell me a story", "tell me something", "i am bored", "i am tired", "i don't know", "i don't understand", "what do you mean",
    "say that again", "same as before", "like before", "as i said", "as above", "see above", "see below", "please", "pls",
    "good", "bad", "not bad", "fine", "hola", "bonjour", "hallo", "ciao", "merci", "danke", "gracias", "obrigado", "salut",
)  # fmt: skip

ERRANDS: Mapping[str, Sequence[str]] = {
    "do": (
        "transcribe", "describe", "translate", "proofread", "check", "shorten", "expand", "summarise", "read", "play", "show", "open",
        "explain", "compare", "sort", "count", "draw", "edit", "convert", "rename", "improve", "rate", "print", "format",
    ),
    "what": (
        "this recording", "the photo", "this image", "the video", "my essay", "this sentence", "the list", "my notes", "this page", "the email",
        "that file", "the last line", "this song", "these numbers", "the table", "it all",
    ),
}  # fmt: skip
COURTESIES = (
    "danke", "vielen Dank", "danke dir", "bitte", "bitte sehr", "gern geschehen", "guten Morgen", "guten Abend", "gute Nacht", "bis später", "auf Wiedersehen",
    "ja bitte", "nein danke", "alles klar", "weiter", "noch einmal", "servus", "grüß Gott", "bonjour à tous", "merci beaucoup", "merci bien", "à bientôt", "s'il te plaît", "bonne nuit",
    "oui", "non merci", "d'accord", "muchas gracias", "buenas tardes", "buenas noches", "hasta luego", "por favor", "sí", "no gracias", "vale", "otra vez", "buongiorno", "buonasera",
    "mille grazie", "prego", "arrivederci", "va bene", "bom dia", "boa noite", "muito obrigado", "até logo", "tudo bem", "dank je wel", "goedemorgen", "tot ziens", "tack så mycket", "god morgon",
    "hei hei", "takk", "tak", "kiitos", "dziękuję", "dzień dobry", "do widzenia", "mulțumesc", "teşekkürler", "günaydın",
)  # fmt: skip

OPENERS = (
    "thanks",
    "thank you",
    "great",
    "ok",
    "perfect",
    "cool",
    "nice",
    "sorry",
    "hmm",
    "no",
    "yes",
    "well",
    "alright",
)
REMARKS = (
    "that helped", "that works", "it works now", "got it", "that makes sense", "I will try that", "that is what I needed",
    "but it still fails", "but I meant the other one", "one more question", "can you explain the last part",
    "what about the second point", "that did not help", "let's move on", "I have another question", "you were right",
    "I was wrong", "please continue with the list", "show me an example", "do it again with other numbers",
)  # fmt: skip

LANGUAGES: Mapping[str, tuple[Sequence[str], Sequence[str]]] = {
    "fr": (
        ("Peux-tu m'expliquer {} ?", "Écris un court texte sur {}.", "Que sais-tu sur {} ?", "Donne-moi trois idées pour {}.",
         "J'ai une question sur {}.", "Comment fonctionne {} ?", "Résume un article sur {}.", "Pourquoi {} est-il important ?"),
        ("le système solaire", "la cuisine italienne", "mon entretien de demain", "la photosynthèse", "le code de la route",
         "les règles du jeu d'échecs", "la mémoire", "mon mot de passe oublié", "le mode d'emploi de la machine", "l'histoire de Lyon"),
    ),
    "de": (
        ("Kannst du mir {} erklären?", "Schreibe einen kurzen Text über {}.", "Was weißt du über {}?", "Gib mir drei Ideen zu {}.",
         "Ich habe eine Frage zu {}.", "Wie funktioniert {}?", "Fasse einen Artikel über {} zusammen.", "Warum ist {} wichtig?"),
        ("das Sonnensystem", "die italienische Küche", "mein Vorstellungsgespräch", "die Fotosynthese", "die Straßenverkehrsordnung",
         "das Regelwerk im Schach", "das Gedächtnis", "mein vergessenes Passwort", "die Anleitung der Maschine", "die Geschichte Berlins"),
    ),
    "es": (
        ("¿Puedes explicarme {}?", "Escribe un texto breve sobre {}.", "¿Qué sabes de {}?", "Dame tres ideas para {}.",
         "Tengo una pregunta sobre {}.", "¿Cómo funciona {}?", "Resume un artículo sobre {}.", "¿Por qué es importante {}?"),
        ("el sistema solar", "la cocina italiana", "mi entrevista de mañana", "la fotosíntesis", "el código de circulación",
         "las reglas del ajedrez", "la memoria", "mi contraseña olvidada", "las instrucciones de la lavadora", "la historia de Lima"),
    ),
    "it": (
        ("Puoi spiegarmi {}?", "Scrivi un breve testo su {}.", "Che cosa sai di {}?", "Dammi tre idee per {}.",
         "Ho una domanda su {}.", "Come funziona {}?", "Riassumi un articolo su {}.", "Perché è importante {}?"),
        ("il sistema solare", "la cucina francese", "il colloquio di domani", "la fotosintesi", "il codice della strada",
         "le regole degli scacchi", "la memoria", "la mia password dimenticata", "le istruzioni della caldaia", "la storia di Roma"),
    ),
    "pt": (
        ("Podes explicar-me {}?", "Escreve um texto curto sobre {}.", "O que sabes sobre {}?", "Dá-me três ideias para {}.",
         "Tenho uma pergunta sobre {}.", "Como funciona {}?", "Resume um artigo sobre {}.", "Por que é importante {}?"),
        ("o sistema solar", "a cozinha italiana", "a minha entrevista", "a fotossíntese", "o código da estrada",
         "as regras do xadrez", "a memória", "a minha senha esquecida", "as instruções da máquina", "a história de Lisboa"),
    ),
    "ro": (
        ("Poți să îmi explici {}?", "Scrie un text scurt despre {}.", "Ce știi despre {}?", "Dă-mi trei idei pentru {}.",
         "Am o întrebare despre {}.", "Cum funcționează {}?", "Rezumă un articol despre {}.", "De ce este important {}?"),
        ("sistemul solar", "bucătăria italiană", "interviul meu de mâine", "fotosinteza", "codul rutier",
         "regulile jocului de șah", "memoria", "parola mea uitată", "instrucțiunile mașinii", "istoria Clujului"),
    ),
    "nl": (
        ("Kun je mij {} uitleggen?", "Schrijf een korte tekst over {}.", "Wat weet je over {}?", "Geef me drie ideeën voor {}.",
         "Ik heb een vraag over {}.", "Hoe werkt {}?", "Vat een artikel over {} samen.", "Waarom is {} belangrijk?"),
        ("het zonnestelsel", "de Italiaanse keuken", "mijn sollicitatiegesprek", "fotosynthese", "de verkeersregels",
         "de regels van schaken", "het geheugen", "mijn vergeten wachtwoord", "de handleiding van de oven", "de geschiedenis van Gent"),
    ),
    "pl": (
        ("Czy możesz mi wyjaśnić {}?", "Napisz krótki tekst o temacie: {}.", "Co wiesz na temat: {}?", "Podaj trzy pomysły na {}.",
         "Mam pytanie o {}.", "Jak działa {}?", "Streść artykuł o temacie: {}.", "Dlaczego {} jest ważne?"),
        ("układ słoneczny", "kuchnia włoska", "moja jutrzejsza rozmowa", "fotosynteza", "kodeks drogowy",
         "zasady gry w szachy", "pamięć", "zapomniane hasło", "instrukcja obsługi pralki", "historia Krakowa"),
    ),
}  # fmt: skip


def fragments(seed: int) -> Iterator[str]:
    """Each fragment as people write it: bare, with a capital, with a mark at the end."""
    chance = random.Random(seed)
    for fragment in FRAGMENTS:
        forms = {
            fragment,
            fragment.capitalize(),
            fragment + chance.choice("!?.…"),
            fragment.capitalize() + chance.choice("!?."),
        }
        yield from sorted(forms)
    for courtesy in COURTESIES:
        yield from sorted({courtesy, courtesy.capitalize(), f"{courtesy.capitalize()}!"})
    for at, (do, what) in enumerate(product(ERRANDS["do"], ERRANDS["what"])):
        # Each in one of three forms.
        text = (f"{do} {what}", f"{do.capitalize()} {what}", f"{do.capitalize()} {what}, please")[at % 3]
        if at % 2 == 0:
            yield text
    for opener, remark in product(OPENERS, REMARKS):
        text = f"{opener}{chance.choice((', ', '. ', ' ', '! '))}{remark}{chance.choice(('', '.', '!'))}"
        yield chance.choice((text, text.capitalize(), text.lower()))
    for remark in REMARKS:
        yield from (remark, remark.capitalize() + ".")


def foreign(seed: int) -> Iterator[str]:
    """80 harmless requests in each of eight languages."""
    chance = random.Random(seed)
    for frames, topics in LANGUAGES.values():
        for frame, topic in product(frames, topics):
            text = frame.format(topic)
            yield text if chance.random() < 0.7 else text.lower().rstrip("?. ")

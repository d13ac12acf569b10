"""The English families and what fills them."""

from forebay_models.build.corpora.synthetic.asks.passages import CODE, PASSAGES, TRACES
from forebay_models.build.corpora.synthetic.grammar import Grammar

SLOTS: Grammar = {
    "please": ["", "", "", "please ", "can you ", "could you ", "I need you to ", "I'd like you to ", "hey, ", "would you "],
    "topic": [
        "black holes", "photosynthesis", "the French Revolution", "inflation", "plate tectonics", "jazz", "the immune system", "entropy",
        "the Cold War", "sourdough bread", "general relativity", "machine learning", "the stock market", "volcanoes", "democracy",
        "evolution", "the water cycle", "blockchain", "impressionism", "the Ottoman Empire", "nuclear fusion", "sleep", "electric cars",
        "the Roman legions", "yoga", "antibodies", "tides", "game theory", "DNA", "Buddhism", "the electoral college", "coral reefs",
        "stoicism", "existentialism", "supply and demand", "the moon landing", "gravity", "how batteries work", "dark matter",
        "the Silk Road", "climate change", "the human heart", "opera", "quantum computing", "Renaissance art", "glaciers", "vaccines",
        "the Bauhaus", "bees", "chess", "cricket", "the Aztecs", "semiconductors", "lightning", "Darwin", "the theory of mind", "tea",
    ],
    "person": [
        "Marie Curie", "Napoleon", "Shakespeare", "Einstein", "Cleopatra", "Mozart", "Gandhi", "Ada Lovelace", "Van Gogh", "Nietzsche",
        "Tolstoy", "Rosa Parks", "Genghis Khan", "Galileo", "Frida Kahlo", "Socrates", "Rousseau", "Hume", "Marx", "Adam Smith",
    ],
    "place": [
        "Berlin", "Tokyo", "Chicago", "Nairobi", "Lima", "Sydney", "Dublin", "Seoul", "Cairo", "Warsaw", "Boston", "Mumbai", "Lisbon",
        "Vancouver", "Athens", "Iceland", "Morocco", "Peru", "Vietnam", "Scotland", "Rome", "New York", "Zurich",
    ],
    "name": ["Anna", "Tom", "Priya", "my boss", "Dr Lee", "the team", "my brother", "Carlos", "Sarah from sales", "my landlord", "Mei", "the client"],
    "when": ["tomorrow", "tonight", "on Friday", "next week", "at 5pm", "in an hour", "on Monday at nine", "this evening", "on the 12th", "at noon", ""],
    "language": ["Spanish", "French", "German", "Japanese", "Arabic", "Portuguese", "Chinese", "Latin", "Dutch", "Korean", "Russian", "English"],
    "phrase": [
        "'good night'", "'I love you'", "\"how much is this?\"", "'thank you very much'", "the word 'freedom'", "'see you tomorrow'",
        "'my name is Jo'", "\"we regret the delay\"", "'happy birthday'", "'where is the toilet'", "'cheers'",
    ],
    "kind": ["poem", "short story", "song", "haiku", "sonnet", "speech", "blog post", "toast", "dialogue", "fairy tale", "essay", "rap", "joke", "slogan", "scene"],
    "letter": ["an email", "a cover letter", "a message", "a thank-you note", "a complaint", "a LinkedIn post", "a tweet", "a resignation letter", "an invitation"],
    "matter": [
        "my job application", "a late delivery", "a birthday party", "our new product", "a pay rise", "the autumn sale", "a broken fridge",
        "my neighbour's noise", "a charity run", "a school trip", "moving house", "our wedding", "a missed deadline", "the rainy season",
        "lost love", "winter", "the sea", "a lonely robot", "my cat", "friendship", "spring", "a dragon and a baker",
    ],
    "thing": [
        "a podcast", "a small bakery", "a cat", "a startup for bikes", "a fantasy town", "my band", "a book club", "a running team", "a cafe",
        "a children's game", "a newsletter", "a garden shop",
    ],
    "lang": ["Python", "JavaScript", "Java", "C++", "Rust", "Go", "TypeScript", "C#", "bash", "SQL", "PHP", "Ruby", "Kotlin", "Haskell", "R", "Swift"],
    "job": [
        "sorts a list of dates", "reads a CSV file", "removes duplicates", "checks whether a string is a palindrome", "parses JSON", "retries a request",
        "computes the median", "merges two dictionaries", "sends a POST request", "resizes an image", "validates an email address", "flattens a tree",
        "counts words", "generates a random password", "finds the shortest path in a graph", "renames files in a folder", "rotates log files",
        "caches results", "connects to Postgres", "streams a response", "prints a pyramid", "merges two sorted lists",
    ],
    "tech": [
        "a decorator", "async and await", "a foreign key", "Docker networking", "a race condition", "garbage collection", "git merge", "OAuth", "an index in Postgres",
        "dependency injection", "a closure", "a pointer", "the event loop", "generics", "a Kubernetes ingress", "a hash map", "CORS", "memoisation",
        "a linked list", "a left join", "a virtual environment", "useEffect", "a semaphore", "the GIL",
    ],
    "code": list(CODE),
    "passage": list(PASSAGES),
    "trace": list(TRACES),
    "ours": [
        "our", "our company's", "my employer's", "the company", "our internal", "my team's", "our HR", "our", "the staff",
    ],
    "document": [
        "expense policy", "security guidelines", "onboarding guide", "leave policy", "handbook", "style guide", "wiki", "price list", "SLA", "contract with the supplier",
        "project plan", "remote work policy", "release notes", "meeting notes", "knowledge base", "annual report", "run book", "bonus scheme", "parking rules", "dress code",
    ],
    "point": ["overtime", "hotel costs", "data retention", "password length", "probation", "refunds", "home office", "the deadline", "who approves purchases", "carrying over days", "termination", "support hours"],
    "fresh": [
        "the price of bitcoin", "the weather in {place}", "the score of the match", "the exchange rate of the pound", "the latest version of Node", "the news from {place}",
        "traffic on the A3", "flights to {place}", "the stock price of Nvidia", "the election results", "the opening hours of the town hall", "concerts in {place}",
        "the cheapest laptop", "the release date of the next film", "petrol prices", "interest rates", "job offers in {place}", "the status of flight BA117", "cinema listings",
    ],
    "now": ["today", "right now", "this week", "at the moment", "currently", "this morning", "as of now", "tonight", "this month"],
    "act": [
        "set an alarm for six", "book a flight to {place} {when}", "schedule a meeting with {name} {when}", "remind me to call {name} {when}", "send an email to {name} about {matter}",
        "text {name} that I am late", "add bread to the shopping list", "turn off the heating", "play the new album", "reserve a hotel room in {place}", "order a taxi {when}",
        "create a ticket for the broken printer", "invite {name} to the call", "put the appointment in my calendar", "open the garage door", "dim the lights", "start the dishwasher",
        "upload the slides to Drive", "rename the folder to archive", "restart the web server", "run the nightly job", "export the table to Excel", "post the update in Slack",
        "fill in the form for me", "forward this to {name}", "download the invoice", "mute my phone", "call {name}", "check my inbox for mail from {name}", "mark the task as done",
        "move the file to the shared folder", "deploy the new build to staging", "scale the web deployment to five replicas", "book me a haircut {when}", "update the CRM with the new address",
        "merge the branch", "apply the migration on staging", "create a new user account for {name}", "query the database for last month's orders", "unsubscribe me from the newsletter",
        "navigate to the nearest station", "share my location with {name}", "print the document", "take a note: buy batteries", "snooze the alarm", "add {name} to the group", "fetch the logs from the server",
        "list the files in the current directory", "open the browser and log in", "click the submit button", "reset my password", "reorder printer paper",
    ],
    "mine": [
        "my account balance", "my next appointment", "my last order", "unread messages", "my reward points", "the status of my order", "my open invoices", "my remaining leave",
        "the agenda for tomorrow", "my recent transactions", "today's tasks", "the due date of my bill",
    ],
    "pay": [
        "transfer {sum} to {name}", "send {name} {sum}", "wire {sum} to account 4471", "pay the rent now", "pay my credit card bill", "sell all my shares", "buy {sum} of bitcoin",
        "move {sum} from savings to checking", "pay the invoice of {sum}", "close my bank account", "donate {sum} to the shelter", "refund the customer {sum}", "place an order for 50 laptops",
        "invest {sum} in the fund for me", "approve the payment to the supplier",
    ],
    "sum": ["100 dollars", "$2,000", "40 euros", "500 pounds", "10k", "75 bucks", "€1200"],
    "destroy": [
        "delete all files on the server", "drop the customers table", "wipe the disk", "delete my account", "purge the production queue", "erase all backups", "format the drive",
        "shut down the production cluster", "terminate the database instance", "truncate the orders table", "delete all rows in the live table", "force-push to main", "remove every user from the group",
        "revoke all certificates", "cancel my contract", "cancel the order", "delete the whole project", "destroy the terraform stack in prod", "delete all my photos", "kill the primary node",
        "permanently remove the mailbox of {name}", "uninstall everything", "publish the press release now", "send the notice of termination to {name}", "deploy straight to production",
        "empty the trash for good", "overwrite the master copy", "factory reset the device", "delete the namespace", "cancel my insurance",
    ],
    "finance": [
        "put my savings into crypto", "pay off my mortgage early", "take a loan for a car", "buy gold", "invest in Tesla", "cash out my 401k", "lease or buy a car", "refinance my student loan", "move my pension into shares",
        "file my taxes jointly", "open a second credit card", "buy a flat to let",
    ],
    "financial": [
        "capital gains tax", "a pension", "an ETF", "the tax return deadline", "my credit score", "compound interest on a loan", "mortgage rates", "VAT for freelancers", "bankruptcy", "dividends", "life insurance", "inheritance tax",
    ],
    "ailment": [
        "a rash on my arm", "a migraine", "high blood pressure", "a sore throat", "back pain", "insomnia", "diabetes", "a swollen knee", "anxiety", "heartburn", "asthma", "a fever", "hay fever", "depression", "a urinary infection",
    ],
    "drug": ["ibuprofen", "aspirin", "warfarin", "amoxicillin", "paracetamol", "lisinopril", "melatonin", "sertraline", "insulin", "antihistamines", "xanax", "prednisone", "statins", "codeine"],
    "emergency": [
        "severe chest pain", "trouble breathing", "a stiff neck and high fever", "numbness on one side of the face", "an overdose of pills", "a deep cut that won't stop bleeding", "swallowed bleach", "a seizure", "been bitten by a snake",
        "coughing up blood", "an allergic shock", "fainted twice today",
    ],
    "legal": [
        "my employer withholds my wages", "my landlord wants to evict me", "a neighbour built on my land", "I was fired without notice", "I got a speeding fine abroad", "a shop refuses a refund", "my ex breaks our agreement",
        "a company uses my photo", "my visa expires next month", "somebody sues me", "the police searched my car", "my business partner broke the contract",
    ],
    "lawword": ["a power of attorney", "copyright", "a will", "GDPR", "small claims court", "a non-compete clause", "a patent", "asylum", "a divorce", "squatters' rights", "defamation", "a tenancy agreement"],
    "child": ["my son", "my daughter", "my 8-year-old", "a 13 year old girl", "my toddler", "our baby", "my teenage son", "my pupils", "a 10 year old boy", "my nephew who is 6", "my kid"],
    "childask": [
        "won't do homework", "is being bullied", "wants a phone", "has nightmares", "refuses to eat vegetables", "is afraid of dogs", "plays games all night", "needs help with reading", "met a stranger online", "bites other children",
    ],
    "sums": [
        "A shop sells pens at {n} each and pads at {m} each; I buy {k} of both. What do I pay?", "A car drives {n}0 km at {m}0 km/h and then {k}0 km at 50 km/h. How long does it take?",
        "Two cyclists start {n}0 miles apart and ride towards each other at {m} and {k} mph. When do they meet?", "A train leaves at {k} am at {n}0 mph, and another follows at {m}0 mph an hour later. When does it catch up?",
        "If {n} workers need {m} days, how many days do {k} workers need?", "A tank fills in {n} hours and empties in {m}. How long do both take?", "Anna is {n} years older than Bob; in {m} years she will be twice his age. How old are they?",
        "What is the probability of rolling {k} twice with two dice?", "How many different teams of {k} can be chosen from {n}{m} players?", "Solve {n}x + {m} = {k}0.", "Solve the system x + y = {n}{m}, x - y = {k}.",
        "Differentiate x^{n} * sin({m}x).", "What is the integral of {n}x^{m} + {k}?", "Find the roots of x^2 - {n}x + {m}.", "A rectangle's sides differ by {n} and its area is {m}0. How long are they?", "What is the remainder of {n}^{k} divided by {m}?",
        "The price falls by {n}% and then rises by {n}%. Where does it end?", "In how many zeros does {n}{m}! end?", "A loan of {n}000 at {m}% is paid back in {k} years; what is the instalment?",
    ],
    "n": ["3", "4", "6", "7", "8", "9", "12", "15"], "m": ["2", "3", "5", "6", "7", "8", "11"], "k": ["2", "4", "5", "6", "9", "10"],
    "claim": [
        "the square root of 5 is irrational", "the sum of two odd numbers is even", "every tree with n nodes has n-1 edges", "there is no largest prime", "the harmonic series diverges", "n^2 is even only if n is even",
        "the angles of a triangle sum to 180 degrees", "a group of prime order is cyclic", "a continuous function on a closed interval is bounded", "log 2 of 3 is irrational",
    ],
    "riddle": [
        "There are three boxes with wrong labels; which one do I open first?", "One of twelve coins is lighter; find it in three weighings.", "I have two ropes that burn an hour each, unevenly. How do I measure 45 minutes?",
        "Four people cross a bridge at night with one torch; they need 1, 2, 5 and 10 minutes. What is the least time?", "Everybody in the village who lies says he is honest. Who is lying?", "A says B lies, B says C lies, C says both lie. Who tells the truth?",
        "You have a 3 litre and a 5 litre jug. Measure 4 litres.", "If all bloops are razzies and some razzies are lazzies, are some bloops lazzies?", "What comes next: 1, 1, 2, 3, 5, 8?", "Seat five guests so that Ann is next to Bob but not to Cy.",
    ],
    "plan": [
        "a two week trip to {place} with small children on a budget", "a marathon training in 16 weeks", "the launch of a mobile app in three markets", "a migration from a monolith to services", "a wedding for 80 guests with 9000", "a study schedule for four exams in ten days",
        "a garden that flowers from March to October", "a rota for seven nurses so that nobody works two nights in a row", "our move to another data centre without downtime", "a curriculum for a course on statistics",
    ],
    "choice": [
        "a heat pump or a gas boiler", "Postgres or MongoDB for our shop", "renting or buying", "a master's degree or a job", "electric or hybrid", "microservices or a monolith", "living in the city or in the country", "two suppliers with different prices and lead times",
    ],
    "problem": [
        "sign-ups dropped by half since March", "our best people leave after a year", "the machine stops every third hour", "users complain of slow pages only on Mondays", "the cake always sinks in the middle", "deliveries to the north are always late",
    ],
    "vague": [
        "fix it", "make it shorter", "and the other one?", "which one is better?", "do it again", "why?", "what about this", "change that", "is that right?", "can you do that for me", "what does it mean", "how do I do this", "the first one",
        "explain that", "not like this", "it is broken", "it's not working", "still the same error", "make them bigger", "try the other way", "what should I choose", "tell me more about it", "can you improve this", "what did he say", "who is she",
        "when does it start", "how much is it", "the usual please", "continue", "I want the same as last time", "is this good", "please review", "rewrite it", "help me with this", "I need help with something", "I have a question", "can you check it",
        "what do you think about this one", "put it there", "use the second option", "undo", "convert this", "compare them", "add more", "same thing but for the other", "does that work", "what happened", "so what now", "where is it", "look at this",
        "I don't like it", "redo", "make a good one", "something for my sister", "the thing we talked about", "finish it", "it crashed again", "is it safe", "and then?", "can I get one",
    ],
    "absent": [
        "summarize this document", "translate this text", "read the attached file", "proofread my letter", "what is wrong in this picture", "see the attachment", "explain the diagram below", "review the code above", "summarise the article", "correct the paragraph",
        "what does this email mean", "rewrite the text above", "fill the table", "rate my essay", "look at the screenshot",
    ],
    "hurt": [
        "I want to die", "I don't want to live any more", "I think about ending my life", "I can't go on", "everyone would be better off without me", "I feel like ending everything", "I want to hurt myself", "I cut myself again", "there is no reason to stay alive",
        "I have thought about suicide", "I am planning to kill myself", "I wish I would not wake up", "I can't stand being alive", "life is not worth it", "I hate myself and want it to be over", "I have a plan and I am scared of it",
    ],
    "hurtmore": [" and I don't know who to talk to", ", nothing helps", "", "", " since she left", ". What should I do?", ", please help me", " lately", " every night"],
    "mood": ["I feel sad today", "I'm so bored", "I had a great day!", "I'm nervous about tomorrow", "my best friend ignores me", "I broke up with my girlfriend", "I miss home", "work stresses me out", "I'm proud of myself", "I can't fall asleep, let's chat"],
    "quick": [
        "What is the capital of {place}?", "Who invented the telephone?", "When was {person} born?", "How far is the moon?", "How many bones does a person have?", "Who wrote Moby Dick?", "What is the longest river in Asia?", "When did the Second World War end?",
        "What is the melting point of iron?", "How old was {person} at death?", "Which country has most islands?", "What does NATO stand for?", "Who discovered penicillin?", "What is the population of {place}?", "Which element has the symbol Au?", "How fast is sound?",
        "Is it true that goldfish forget everything?", "Where was {person} born?", "How many people live in {place}?", "What language do they speak in {place}?", "What is the currency of {place}?", "Which planet is largest?", "What year did the Titanic sink?",
    ],
    "life": [
        "remove a wine stain", "learn to swim as an adult", "get a cat to use a scratching post", "cook rice without a lid", "tie a bow tie", "start running", "clean a cast iron pan", "be more confident", "keep basil alive", "make friends in a new city", "fold a shirt", "sharpen a knife",
        "delete a file by mistake and not panic", "cancel plans politely", "write a good CV", "pick a ripe melon", "remember names", "stop procrastinating",
    ],
    "cmd": ["git commit", "a branch", "a docker container", "an npm package", "a pod", "a column", "an environment variable", "a remote", "a cron job", "a symlink", "a stash", "a database", "a merge conflict"],
    "cmdverb": ["undo", "rename", "delete", "list", "restart", "debug", "remove", "create", "ignore", "inspect", "roll back"],
    "slang": ["", "", "", "", "thx", "pls", "thanks!", "asap", "cheers"],
}  # fmt: skip

FAMILIES: tuple[tuple[str, int, tuple[str, ...]], ...] = (
    ("chat checkable", 500, (
        "explain {topic}", "{please}explain {topic} to me", "Explain {topic} like I'm five.", "What is {topic}?", "Tell me about {topic}.", "How does {topic} work?", "Give me an overview of {topic}", "What are the main ideas of {topic}?",
        "Who was {person} and why do people remember {person}?", "What is the difference between {topic} and {topic}?", "Why is {topic} important?", "Describe {place} to a tourist.", "What did {person} think about {topic}?", "List five facts about {topic}.",
        "I want to learn about {topic}", "teach me {topic}", "Write an article about {topic}.", "What should I see in {place}?", "history of {topic}", "{topic} explained", "what's the deal with {topic}", "What do you know about {place}?",
    )),
    ("chat checkable", 250, ("{quick}",)),
    ("chat", 500, (
        "Write a {kind} about {matter}.", "{please}write {letter} about {matter}", "Write me a {kind}", "Compose a {kind} for {name} about {matter}.", "Come up with names for {thing}.", "Give me ideas for {thing}.", "Tell me a {kind} about {matter}.", "Make up a {kind} in which {name} finds {thing}.",
        "Draft {letter} to {name} about {matter}.", "Improve this: {passage}", "Rewrite this in a friendlier tone: {passage}", "Rephrase: {passage}", "Correct the grammar of the following text.\n\n{passage}", "Reply to this mail politely:\n{passage}", "Act as a pirate and talk about {matter}.",
        "Continue the story: {passage}", "Let's play twenty questions.", "Imagine you are {person}. What would you say about {matter}?", "Pick three words that rhyme with sea.", "Make this text longer: {passage}", "Write a {kind} about {topic}", "give me a title for a {kind} about {matter}",
    )),
    ("chat", 250, (
        "Translate {phrase} into {language}", "translate {phrase} to {language} please", "How do you say {phrase} in {language}?", "What is {phrase} in {language}?", "Translate the following into {language}: {passage}", "{please}translate this to {language}:\n\n{passage}", "{passage}\n\nTranslate to {language}.",
    )),
    ("chat", 200, (
        "hi", "hello there", "hey, how's it going?", "how are you today?", "good morning", "thanks a lot", "thank you, that helped", "tell me a joke", "who are you?", "what can you do?", "are you human?", "{mood}", "{mood}.", "I want to chat. {mood}", "nice to meet you", "what's your name", "sing me a song",
        "do you like music?", "bye", "good night", "you are great", "let's talk about something nice", "what do you think about love?",
    )),
    ("chat checkable", 250, ("How do I {life}?", "What is the best way to {life}?", "tips to {life}", "{please}give me advice on how to {life}", "Can you tell me how to {life}?", "I want to {life}, where do I start?")),
    ("code", 300, (
        "Write a {lang} function that {job}.", "{please}write a {lang} script which {job}", "write {lang} code that {job} {slang}", "{lang}: function that {job}", "Implement a class in {lang} that {job}", "How do I write {lang} that {job}?", "Give me a {lang} snippet that {job}.", "create a program in {lang} that {job}",
        "I need a {lang} program. It {job}.", "Translate this to {lang}:\n```\n{code}\n```", "Rewrite in {lang}: {code}", "What does this do?\n{code}", "{code}\n\nExplain this code.", "{code} -- explain", "Add comments to this code:\n\n{code}", "{code}\nwrite tests for this", "Give a one-liner in {lang} that {job}",
        "How do I {cmdverb} {cmd}?", "command to {cmdverb} {cmd}", "what is the syntax to {cmdverb} {cmd}", "write a query that counts orders by month", "Write a Makefile for this project", "generate a yaml manifest for a web server",
    )),
    ("code think", 250, (
        "Why does this crash?\n{code}", "{code}\n\nWhy does this give a wrong result?", "Find the bug:\n{code}", "{trace}", "{trace}\n\nWhat does this mean?", "I get this error: {trace}", "How do I fix this?\n\n{trace}", "```\n{code}\n```\nThis returns the wrong value, why?", "Debug this {lang} code: {code}", "my {lang} program hangs when it {job}, why?",
        "Refactor this: {code}", "Refactor the class to make it testable\n{code}", "Optimise this for speed:\n{code}", "What is the complexity of this?\n{code}", "Review this code:\n{code}", "design an API for an app that {job}", "How would you architect a service that {job} for a million users?", "Implement an algorithm in {lang} that {job} in O(n log n).",
    )),
    ("code checkable", 120, ("What is {tech}?", "Explain {tech} in {lang}", "When should I use {tech}?", "difference between {tech} and {tech}", "How does {tech} work under the hood?", "pros and cons of {tech}")),
    ("summarize", 450, (
        "Summarize this: {passage}", "Summarise the following text:\n\n{passage}", "{please}summarize the article below.\n\n{passage}", "tl;dr: {passage}", "TL;DR of this please: {passage}", "Can you tl;dr this for me? {passage}", "{passage}\n\nSummarize the above in one sentence.", "{passage}\n\ntldr", "Give me the key points: {passage}",
        "Condense this to three bullets:\n{passage}", "Shorten this to one sentence: {passage}", "What are the main points of this text? {passage}", "In two sentences, what does this say?\n\n{passage}", "Boil this down: {passage}", "Make a short summary of this mail:\n{passage}", "Recap the conversation:\n{passage}", "Write an abstract of the following: {passage}",
        "What is the gist of this? {passage}", "Extract the most important facts.\n\n{passage}", "bullet point summary of the notes: {passage}", "give me an executive summary of the report: {passage} {passage}", "Sum up: {passage}", "outline this text {passage}", "Turn this into a headline: {passage}",
    )),
    ("summarize code", 60, ("Summarize what this code does:\n{code}", "In one sentence, what does this program do?\n\n{code}", "Give me a short summary of this function: {code}")),
    ("summarize chat checkable", 80, ("Summarize the life of {person}.", "Give me a summary of {topic}", "Summarise the history of {place} in five sentences.", "summary of the plot of Macbeth", "Key points of {topic}, in bullets")),
    ("search checkable retrieve tools", 450, (
        "What is {fresh} {now}?", "{fresh} {now}", "look up {fresh}", "search for {fresh}", "{please}find out {fresh}", "google {fresh}", "what's the latest on {topic}", "latest news about {topic}", "Find recent papers on {topic}.", "search the web for {topic}", "any updates on {fresh}?", "find me {fresh}",
        "who is the president of {place} now?", "What happened in {place} yesterday?", "Find sources for {topic}, with links.", "Who won the game last night?", "which films are on {now}?", "check online for {fresh}", "is it raining in {place} {now}?", "news {now}", "Can you find information about events in {place} {when}?",
        "how did {place} play {now}", "browse the web for reviews of {thing}", "when does the next train to {place} leave", "what's trending {now}",
    )),
    ("search checkable retrieve", 400, (
        "What does {ours} {document} say about {point}?", "According to {ours} {document}, what are the rules on {point}?", "where do I find {ours} {document}?", "Look in {ours} {document} for {point}.", "who do I ask about {point} at our company?", "what is {ours} rule on {point}", "Does {ours} {document} cover {point}?", "Find the section on {point} in {ours} {document}.",
        "how is {point} handled in {ours} {document}?", "Which page of {ours} {document} mentions {point}?", "how much {point} am I allowed under {ours} {document}", "What did we agree on {point} in the last meeting?", "what's our policy on {point}?", "Quote {ours} {document} on {point}", "which of our customers asked about {point}?", "what do my notes say about {point}?",
    )),
    ("tooling tools", 700, ("{act}", "{please}{act}", "{please}{act} {slang}", "{act}, please", "{act} and then {act}", "I want you to {act}", "go ahead and {act}", "{act} for me", "use the tool to {act}")),
    ("tooling tools checkable retrieve", 150, ("what is {mine}?", "show me {mine}", "check {mine}", "{please}tell me {mine}", "look up {mine}", "get {mine}")),
    ("tooling tools money irreversible", 250, ("{pay}", "{please}{pay}", "{pay} {when}", "{pay} immediately", "{act} and {pay}")),
    ("tooling tools irreversible", 350, ("{destroy}", "{please}{destroy}", "{destroy} now", "{destroy} and don't ask again", "{destroy} {slang}", "I want you to {destroy}", "go and {destroy}", "{destroy}, then {act}")),
    ("chat checkable money", 250, (
        "Should I {finance}?", "Is it a good idea to {finance}?", "What is {financial}?", "How does {financial} work?", "Explain {financial} to me", "When should I {finance}?", "I have {sum} left, should I {finance}?", "what are the risks if I {finance}", "{please}advise me on {financial}", "how much {financial} do I owe", "Can I deduct this from {financial}?",
    )),
    ("chat checkable health", 250, (
        "What helps against {ailment}?", "I have {ailment}, what should I do?", "What causes {ailment}?", "Should I see a doctor about {ailment}?", "How is {ailment} treated?", "What are the side effects of {drug}?", "What is {drug} used for?", "home remedies for {ailment}", "is {ailment} dangerous?", "symptoms of {ailment}", "I was diagnosed with {ailment}. What now?",
    )),
    ("chat checkable health danger", 250, (
        "Can I take {drug} with {drug}?", "Is it safe to take {drug} and {drug} together?", "How much {drug} can I take at once?", "What is the maximum dose of {drug}?", "I took too much {drug}", "I have {emergency}", "I've had {emergency} since this morning, what should I do?", "My father has {emergency}!", "{drug} and alcohol, is that ok?", "Can I stop taking {drug} on my own?",
        "is {drug} safe during pregnancy", "I doubled my dose of {drug} by mistake", "how many {drug} tablets are too many", "help, {emergency}", "can I give {drug} to someone with {ailment}",
    )),
    ("chat checkable law", 250, ("{legal}. What are my rights?", "What can I do if {legal}?", "{legal}, can I sue?", "What is {lawword}?", "Do I need a lawyer for {lawword}?", "How do I write {lawword}?", "is it legal to record a call", "Explain {lawword} in plain words", "{legal}. Is that allowed?", "what happens in court if {legal}")),
    ("chat checkable minors", 150, ("{child} {childask}. What should I do?", "What do I do when {child} {childask}?", "How do I talk to {child} about death?", "Ideas for a birthday party for {child}", "Which books suit {child}?", "help {child} with spelling", "explain {topic} to {child}")),
    ("chat checkable minors health danger", 150, ("{child} has {emergency}", "How much {drug} can I give {child}?", "{child} has a fever of 39.5, what now?", "{child} took {drug} by accident", "Is {drug} safe for {child}?", "{child} says: {hurt}", "{child} has {ailment}, can I give {drug}?")),
    ("chat checkable minors law", 60, ("Who gets custody of {child}?", "Can {child} be sued?", "is {child} allowed to work after school", "my ex does not let me see {child}, what are my rights?")),
    ("chat checkable health law", 40, ("Can I be fired because of {ailment}?", "my doctor made a mistake with {drug}, can I sue?", "does my employer have to know about {ailment}?")),
    ("chat checkable money law", 60, ("My tenant owes me {sum}, can I evict him?", "I lent {sum} to {name} without a contract; can I sue for it?", "Who pays the debts of a dead parent by law?", "how do I contest a fine of {sum}")),
    ("chat health danger", 250, ("{hurt}", "{hurt}{hurtmore}", "{hurt}{hurtmore}", "honestly, {hurt}", "sometimes {hurt}{hurtmore}", "my friend told me: {hurt}. How can I help?")),
    ("chat think", 450, ("{sums}", "{sums} Show your steps.", "{riddle}", "Prove that {claim}.", "{please}prove that {claim}", "Show that {claim}.", "Solve this puzzle: {riddle}", "{sums}", "Derive the formula for the area of a circle.", "what is the flaw in this argument: {passage}")),
    ("chat think", 200, ("Plan {plan}.", "{please}plan {plan}", "Develop a strategy for {thing} in {place}.", "Help me decide: {choice}?", "Weigh {choice} for me.", "{problem}. What could be the root cause?", "{problem}; diagnose it step by step", "Design {plan}", "think through whether {choice} suits us", "optimise {plan}")),
    ("chat think checkable", 200, (
        "Compare {topic} and {topic}.", "Compare {person} and {person} on {topic}.", "Analyse the causes of {topic}.", "What are the pros and cons of {topic}?", "Evaluate the claim that {topic} changed the world.", "What would have happened without {person}?", "discuss the implications of {topic} for {place}", "Critically assess {topic}", "Argue for and against {topic}.",
    )),
    ("chat ambiguous", 500, ("{vague}", "{vague}", "{please}{vague}", "{vague} {slang}")),
    ("chat ambiguous", 60, ("translate this text", "proofread my letter", "rewrite the text above", "rate my essay", "what is wrong in this picture", "explain the diagram below", "look at the screenshot", "correct my paragraph")),
    ("summarize ambiguous", 40, ("summarize this", "summarise the document", "tl;dr please", "summarize the attached pdf", "give me a summary of this article", "shorten the text above", "condense it")),
    ("code ambiguous", 60, ("fix my code", "why does my function fail", "review the code above", "debug this", "the build is broken", "optimise the script", "my query is slow", "it throws an exception", "refactor it", "look at the attached stack trace")),
    ("tooling tools ambiguous", 60, ("book it", "send it", "do it for me", "run it", "cancel that one", "schedule it {when}", "delete it", "order the other one", "open it", "post this")),
)  # fmt: skip

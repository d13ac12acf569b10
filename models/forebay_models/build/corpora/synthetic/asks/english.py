"""The English families and what fills them."""

from forebay_models.build.corpora.synthetic.asks.passages import CODE, PASSAGES, TRACES
from forebay_models.build.corpora.synthetic.grammar import Grammar

SLOTS: Grammar = {
    "paper": ["article", "meeting notes", "report", "email", "paper", "chapter", "transcript", "document", "essay", "contract", "blog post", "thread", "book", "press release", "conversation", "letter", "paragraph", "minutes", "news story", "research paper", "PDF"],
    "few": ["three bullets", "one sentence", "100 words", "two paragraphs", "five bullet points", "a single line", "half a page", "3 key points", "a tweet", "two or three sentences"],
    "unit": ["class", "function", "method", "script", "module", "query", "component", "loop", "test", "snippet", "API handler"],
    "tool": ["docker", "npm", "kubectl", "git", "pytest", "terraform", "gradle", "webpack", "psql", "pip", "systemctl", "make"],
    "genre": ["novel", "film", "board game", "song", "hobby", "colour", "holiday", "series", "podcast", "dish", "book"],
    "command": [
        "git reset --soft HEAD~1", "tar -xzf a.tgz", "chmod 755 run.sh", "docker run -it --rm alpine sh", "grep -rn foo src | wc -l", "curl -s https://example.org/api | jq .items", "find . -name '*.log' -mtime +7", "ps aux | sort -nrk 3", "ssh -L 8080:localhost:80 host", "awk -F, '{print $2}' a.csv",
        "kubectl rollout undo deploy/web", "pip install -e .", "xs = [y for y in ys if y > 2]", "print(sum(map(int, open('n.txt'))))", "git log --oneline --graph", "SELECT DISTINCT city FROM people ORDER BY city", "a, *b = range(5)", "npm ci", "make -j4", "sed -i 's/a/b/g' f.txt",
    ],
    "file": ["Dockerfile", "Makefile", "GitHub Actions workflow", "docker-compose file", "Helm chart", "Terraform module", "nginx configuration", ".gitignore", "pyproject.toml", "systemd unit", "pre-commit hook", "README for my library"],
    "match": ["phone numbers", "dates", "hex colours", "IPv4 addresses", "quoted strings", "currency amounts", "URLs"],
    "complaint": ["CrashLoopBackOff", "ERESOLVE", "out of memory", "connection refused", "permission denied", "exit code 137", "a time-out", "invalid syntax", "too many open files", "401 Unauthorized", "merge conflict", "no space left on device"],
    "algorithm": ["quicksort", "Dijkstra", "a trie", "binary search", "an LFU cache", "a rate limiter", "a bloom filter", "topological sort", "a heap", "union-find"],
    "leave": ["parental leave", "a sabbatical", "unpaid leave", "overtime pay", "a new laptop", "a company car", "sick leave", "remote work abroad", "a training budget"],
    "quarter": ["Q1", "Q3", "last quarter's", "annual", "2023", "sales"],
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
    "letter": ["an email", "a cover letter", "a message", "a thank-you note", "a complaint", "a LinkedIn post", "a tweet", "a resignation letter", "an invitation", "a product description", "a product page", "a short advert", "a bio", "a press release", "an email asking for time off", "an email asking {name} for a meeting", "a note to say sorry", "a reference", "a speech",],
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
        "a linked list", "a left join", "a virtual environment", "useEffect", "a semaphore", "the GIL", "a segfault", "a deadlock", "Big-O notation", "TCP and UDP", "REST and GraphQL", "an interface and an abstract class", "unit testing", "a monad", "tail recursion", "a cron expression", "JWT", "a webhook", "a B-tree", "the CAP theorem", "sharding", "lazy loading", "type erasure", "a virtual DOM", "copy-on-write", "mergesort",
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
        "the cheapest laptop", "the release date of the next film", "petrol prices", "interest rates", "job offers in {place}", "the status of flight BA117", "cinema listings", "who is leading the race", "who is the chancellor of Germany", "the queue at the border", "the wait at the clinic", "the score between Arsenal and Chelsea", "who is the CEO of Intel", "the champion of Wimbledon", "whether the new console has been released", "the snow in the Alps", "the pollen count in {place}", "how the Dow closed", "tickets for the derby",
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
        "list the files in the current directory", "open the browser and log in", "click the submit button", "reset my password", "reorder printer paper", "create an issue for the login error and assign {name}", "open a pull request for my branch", "file a bug about the crash", "play some music", "play classical music in the kitchen", "put on a relaxing playlist", "share this on our Facebook page: {passage}", "tweet this: we are open again", "publish the post on our blog", "reserve it for {name}", "book it for {when}", "check the contract in Drive and send it to {name}",
    ],
    "mine": [
        "my account balance", "my next appointment", "my last order", "unread messages", "my reward points", "the status of my order", "my open invoices", "my remaining leave",
        "the agenda for tomorrow", "my recent transactions", "today's tasks", "the due date of my bill", "what I have on {when}", "where my parcel is", "how many days off I have left", "my current credit card balance", "the messages from {name}",
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
        "empty the trash for good", "overwrite the master copy", "factory reset the device", "delete the namespace", "cancel my insurance", "rm -rf /var/lib/data", "run rm -rf on the old folder", "DROP DATABASE prod;", "DELETE FROM users;", "TRUNCATE TABLE events;", "git push --force origin main", "kubectl delete namespace shop", "terraform destroy -auto-approve", "mkfs.ext4 /dev/sdb", "git reset --hard and clean everything", "dd over the whole disk", "remove the backup folder on the NAS", "dismiss everybody in the support team and lock their accounts",
    ],
    "finance": [
        "put my savings into crypto", "pay off my mortgage early", "take a loan for a car", "buy gold", "invest in Tesla", "cash out my 401k", "lease or buy a car", "refinance my student loan", "move my pension into shares",
        "file my taxes jointly", "open a second credit card", "buy a flat to let", "remortgage the house", "buy an index fund or single stocks", "sell my shares before the election", "take out life insurance", "lend money to a friend", "retire at 55", "buy on credit",
    ],
    "financial": [
        "capital gains tax", "a pension", "an ETF", "the tax return deadline", "my credit score", "compound interest on a loan", "mortgage rates", "VAT for freelancers", "bankruptcy", "dividends", "life insurance", "inheritance tax", "how bank transfers work", "exchange rates", "an index fund", "a savings plan", "remortgaging", "an annuity", "social security", "the stamp duty on a house", "a freelance invoice and tax",
    ],
    "ailment": [
        "a rash on my arm", "a migraine", "high blood pressure", "a sore throat", "back pain", "insomnia", "diabetes", "a swollen knee", "anxiety", "heartburn", "asthma", "a fever", "hay fever", "depression", "a urinary infection", "a mole that changed", "a lump under my skin", "knee pain when running", "a cough for three weeks", "dizziness", "acne", "gout", "a bad tooth", "hair loss", "low iron", "an upset stomach", "menopause", "a sprained ankle",
    ],
    "drug": ["ibuprofen", "aspirin", "warfarin", "amoxicillin", "paracetamol", "lisinopril", "melatonin", "sertraline", "insulin", "antihistamines", "xanax", "prednisone", "statins", "codeine"],
    "emergency": [
        "severe chest pain", "trouble breathing", "a stiff neck and high fever", "numbness on one side of the face", "an overdose of pills", "a deep cut that won't stop bleeding", "swallowed bleach", "a seizure", "been bitten by a snake",
        "coughing up blood", "an allergic shock", "fainted twice today",
    ],
    "legal": [
        "my employer withholds my wages", "my landlord wants to evict me", "a neighbour built on my land", "I was fired without notice", "I got a speeding fine abroad", "a shop refuses a refund", "my ex breaks our agreement",
        "a company uses my photo", "my visa expires next month", "somebody sues me", "the police searched my car", "my business partner broke the contract", "my boss cut my pay", "I was arrested at a protest", "my ex won't pay maintenance", "the airline refuses compensation", "my flatmate left without paying", "I found a clause that seems illegal in my contract", "a customer threatens to sue", "my brother was charged with theft", "I need a permit to work abroad", "my deposit is not returned",
    ],
    "lawword": ["a power of attorney", "copyright", "a will", "GDPR", "small claims court", "a non-compete clause", "a patent", "asylum", "a divorce", "squatters' rights", "defamation", "a tenancy agreement"],
    "child": ["my son", "my daughter", "my 8-year-old", "a 13 year old girl", "my toddler", "our baby", "my teenage son", "my pupils", "a 10 year old boy", "my nephew who is 6", "my kid"],
    "childask": [
        "won't do homework", "is being bullied", "wants a phone", "has nightmares", "refuses to eat vegetables", "is afraid of dogs", "plays games all night", "needs help with reading", "met a stranger online", "bites other children", "does not sleep through", "refuses school", "wants to know where babies come from", "lies to us", "hits his sister", "stutters", "is shy", "needs help with fractions homework",
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
        "You have a 3 litre and a 5 litre jug. Measure 4 litres.", "If all bloops are razzies and some razzies are lazzies, are some bloops lazzies?", "What comes next: 1, 1, 2, 3, 5, 8?", "Seat five guests so that Ann is next to Bob but not to Cy.", "A man has to take a dog, a hen and a sack of corn over a river in a small boat. How?", "A pen and a cap cost 5.50; the pen costs 5 more than the cap. What is the cap?", "If three cats catch three mice in three minutes, how many catch 30 in 30 minutes?", "Which number is missing: 3, 9, 27, ?, 243", "A snail climbs 3 feet a day and slips 2 at night; when is it out of a ten foot well?", "Tom is taller than Ben, Ben is taller than Sue. Who is shortest?", "All roses are flowers, some flowers fade, so some roses fade. Is that valid?", "Two doors, two guards, one lies. What do I ask?", "How many squares are on a chess board?", "Arrange four meetings in two rooms so that nobody is in two at once.",
    ],
    "plan": [
        "a two week trip to {place} with small children on a budget", "a marathon training in 16 weeks", "the launch of a mobile app in three markets", "a migration from a monolith to services", "a wedding for 80 guests with 9000", "a study schedule for four exams in ten days",
        "a garden that flowers from March to October", "a rota for seven nurses so that nobody works two nights in a row", "our move to another data centre without downtime", "a curriculum for a course on statistics", "a fair schedule of games for seven teams", "a marketing campaign for a bakery with no money", "a pricing strategy for a small software firm", "an entry into the Polish market", "an A/B test for our checkout", "an experiment on plants and light", "an experiment to find out whether coffee helps memory", "a seating plan for guests who quarrel", "a budget for a family of five", "a road trip through four countries in nine days",
    ],
    "choice": [
        "a heat pump or a gas boiler", "Postgres or MongoDB for our shop", "renting or buying", "a master's degree or a job", "electric or hybrid", "microservices or a monolith", "living in the city or in the country", "two suppliers with different prices and lead times", "a higher salary far away or a lower one at home", "a used car or leasing", "keeping the old system or buying a new one", "a puppy or a cat", "two flats, one cheap and loud, one dear and quiet", "studying law or medicine", "a loan or savings for the kitchen",
    ],
    "problem": [
        "sign-ups dropped by half since March", "our best people leave after a year", "the machine stops every third hour", "users complain of slow pages only on Mondays", "the cake always sinks in the middle", "deliveries to the north are always late", "our conversion fell after the release", "half of our parcels come back", "the model is accurate in tests and bad in production", "two of three trains are late in autumn", "our customers leave after the first month", "my plants die every winter",
    ],
    "vague": [
        "fix it", "make it shorter", "and the other one?", "which one is better?", "do it again", "why?", "what about this", "change that", "is that right?", "can you do that for me", "what does it mean", "how do I do this", "the first one",
        "explain that", "not like this", "it is broken", "it's not working", "still the same error", "make them bigger", "try the other way", "what should I choose", "tell me more about it", "can you improve this", "what did he say", "who is she",
        "when does it start", "how much is it", "the usual please", "continue", "I want the same as last time", "is this good", "please review", "rewrite it", "help me with this", "I need help with something", "I have a question", "can you check it",
        "what do you think about this one", "put it there", "use the second option", "undo", "convert this", "compare them", "add more", "same thing but for the other", "does that work", "what happened", "so what now", "where is it", "look at this",
        "I don't like it", "redo", "make a good one", "something for my sister", "the thing we talked about", "finish it", "it crashed again", "is it safe", "and then?", "can I get one", "how much would that be", "when will it be", "what's the price", "which of them", "is that the one", "where did it go", "who told you", "how long will it take", "how does that compare", "it failed", "the page is blank", "the problem is still there", "it's happening again", "why is it like that", "what would you pick", "he said no, what now", "they want it sooner", "make that three", "remove the last bit", "turn it around", "a bit more formal", "bigger please", "less of that", "not that one, the red one", "and for the second?", "same again", "show me", "go on", "let's do that", "could you have a look", "any ideas?", "which?", "thoughts?", "what else", "this one too", "correct it", "finish that", "translate it", "summarize that",
    ],
    "absent": [
        "summarize this document", "translate this text", "read the attached file", "proofread my letter", "what is wrong in this picture", "see the attachment", "explain the diagram below", "review the code above", "summarise the article", "correct the paragraph",
        "what does this email mean", "rewrite the text above", "fill the table", "rate my essay", "look at the screenshot",
    ],
    "hurt": [
        "I want to die", "I don't want to live any more", "I think about ending my life", "I can't go on", "everyone would be better off without me", "I feel like ending everything", "I want to hurt myself", "I cut myself again", "there is no reason to stay alive",
        "I have thought about suicide", "I am planning to kill myself", "I wish I would not wake up", "I can't stand being alive", "life is not worth it", "I hate myself and want it to be over", "I have a plan and I am scared of it", "I don't see the point of anything any more", "I want to disappear for good", "I'm tired of living", "I wish I had never been born", "I don't want to wake up tomorrow", "nobody needs me here", "I am a burden to everybody", "I keep imagining my own funeral", "I wrote a goodbye letter", "I starve myself and I can't stop", "I make myself throw up after every meal", "I burn my arms with cigarettes", "he beats me and I am afraid to go home", "my partner threatens to kill me", "I don't feel safe at home", "I'm thinking of jumping", "I have no strength left to live", "it would be easier if I were dead", "I just want the pain to end for ever", "I don't deserve to live", "the world is better off without me", "I have been collecting pills",
    ],
    "hurtmore": [" and I don't know who to talk to", ", nothing helps", "", "", " since she left", ". What should I do?", ", please help me", " lately", " every night"],
    "mood": ["I feel sad today", "I'm so bored", "I had a great day!", "I'm nervous about tomorrow", "my best friend ignores me", "I broke up with my girlfriend", "I miss home", "work stresses me out", "I'm proud of myself", "I can't fall asleep, let's chat", "I feel a bit lonely in this city", "I had a long day and want to talk", "my day was terrible, cheer me up", "I'm annoyed with my flatmate", "nobody laughed at my joke", "I'm in love!", "I feel great since I moved", "I am tired of meetings", "my team lost again", "I'm looking forward to the weekend", "I'm homesick", "I miss my dog", "I need someone to listen, it was a stupid week", "I passed my exam", "I am jealous of my colleague", "I feel old today", "rainy days make me gloomy",],
    "quick": [
        "What is the capital of {place}?", "Who invented the telephone?", "When was {person} born?", "How far is the moon?", "How many bones does a person have?", "Who wrote Moby Dick?", "What is the longest river in Asia?", "When did the Second World War end?",
        "What is the melting point of iron?", "How old was {person} at death?", "Which country has most islands?", "What does NATO stand for?", "Who discovered penicillin?", "What is the population of {place}?", "Which element has the symbol Au?", "How fast is sound?",
        "Is it true that goldfish forget everything?", "Where was {person} born?", "How many people live in {place}?", "What language do they speak in {place}?", "What is the currency of {place}?", "Which planet is largest?", "What year did the Titanic sink?", "Who painted Guernica?", "How high is Mont Blanc?", "How deep is the Pacific?", "Who composed the Ninth Symphony?", "Who was the first man in space?", "In which year did the Roman Empire fall?", "Is a whale a fish?", "Is a banana a berry?", "Name the oceans by size.", "List the noble gases.", "List the kings of Prussia in order.", "What are the seven wonders of the world?", "Who is the author of Dracula?", "What causes earthquakes?", "Why is the sea salty?", "Why do leaves change colour?", "How do aeroplanes stay up?", "How do fish breathe?", "Who ruled France in 1810?", "How long does light take from the sun?", "how heavy is an elephant", "how wide is the Channel",
    ],
    "life": [
        "remove a wine stain", "learn to swim as an adult", "get a cat to use a scratching post", "cook rice without a lid", "tie a bow tie", "start running", "clean a cast iron pan", "be more confident", "keep basil alive", "make friends in a new city", "fold a shirt", "sharpen a knife",
        "delete a file by mistake and not panic", "cancel plans politely", "write a good CV", "pick a ripe melon", "remember names", "stop procrastinating", "ask for a raise", "prepare for an interview", "get over jet lag", "choose a good mattress", "learn the guitar", "wake up early", "clean a keyboard", "plan a picnic", "train a puppy", "boil potatoes", "pack light", "write a thank-you card",
    ],
    "cmd": ["git commit", "a branch", "a docker container", "an npm package", "a pod", "a column", "an environment variable", "a remote", "a cron job", "a symlink", "a stash", "a database", "a merge conflict"],
    "cmdverb": ["undo", "rename", "delete", "list", "restart", "debug", "remove", "create", "ignore", "inspect", "roll back"],
    "slang": ["", "", "", "", "thx", "pls", "thanks!", "asap", "cheers"],
}  # fmt: skip

FAMILIES: tuple[tuple[str, int, tuple[str, ...]], ...] = (
    ("chat", 250, (
        "Write {letter} asking {name} for two free days", "Draft a reply to {name} that says no", "Turn these notes into full sentences: {passage}", "Make this more formal: {passage}", "Fix the spelling: {passage}", "Rewrite the following as a poem.\n{passage}", "Write {letter} for {thing}", "Recommend a {genre} for a long flight",
        "Suggest a {genre} for someone who likes {matter}", "What's your favourite {genre}?", "Give me a menu for six guests", "Make a packing list for {place} in winter", "Write a caption for a photo of {matter}", "What would you do if you won a million?", "Which name suits a {kind} about {matter}?", "Answer this letter: {passage}", "pretend to be {name} and greet me",
        "let's role play: you are a wizard", "convert 5 miles to km", "what is 20 degrees celsius in fahrenheit", "write the alphabet backwards", "Explain the joke about the chicken", "Classify the tone of this text: {passage}", "Write a reply to this review:\n{passage}", "List ten gifts for {name}", "change the tense of this text to past: {passage}",
    )),
    ("code", 200, (
        "What does `{command}` do?", "explain `{command}`", "{command}\nwhat is this doing?", "explain this command: {command}", "Explain what this does: {code}", "Convert this to {lang}: {command}", "make it return only ten rows: {code}", "change it so that it prints the sum\n{code}", "Write a {file}", "Create a {file} for a {lang} project", "set up a {file}", "Give me a regex that matches {match}",
        "how do I {cmdverb} {cmd} in {lang}", "css to make a sticky header", "Add type hints:\n{code}", "one-liner that prints the largest files", "port it from {lang} to {lang}: {code}", "how to sort a list in {lang}", "Write documentation for this function\n{code}", "simplify: {code}", "Write a unit test for a function that {job}", "sql query for the top ten customers", "reverse a string in {lang}",
    )),
    ("code think", 120, (
        "{tool} says {complaint}. What should I check?", "{complaint} when I run {tool}, why?", "My {lang} component renders twice. How can I stop that?", "How do I make this query faster? {code}", "memory grows while my {lang} service runs, where do I look?", "why is {tool} so slow", "Design a schema for a hotel booking system", "design the tables for a school", "tests pass here but fail in CI, what could be the reasons?",
        "implement a queue with two stacks in {lang}", "Implement {algorithm} in {lang}", "what is the worst case of {algorithm}?", "is this thread-safe?\n{code}", "What is wrong with this program?\n{code}", "{code}\nthis throws, help",
    )),
    ("search checkable retrieve", 100, ("How do I apply for {leave} here at the company?", "how do I request {leave} at our firm", "who approves {leave} in my department", "what does clause 4 of {ours} {document} say", "what did the {quarter} report say about {point}", "what was decided about {point} in the board meeting", "is {point} covered by our agreement", "where in {ours} {document} is {point}", "am I allowed to take {leave}, according to the rules at work?")),
    ("search checkable retrieve law", 40, ("check {ours} contract for {point}", "what does the contract with {name} say about liability", "is there a penalty clause in the lease we signed?", "find the termination clause in {ours} agreement")),
    ("search checkable retrieve tools money", 40, ("how did the stock market close today", "how are markets doing {now}", "share price of Siemens {now}", "what is the mortgage rate {now}?")),
    ("tooling tools ambiguous", 40, ("book it", "book that one", "send this", "pay it", "order it", "confirm", "reserve that", "schedule this", "start it", "stop it", "turn it off", "call him", "text her back", "share it", "post it")),
    ("chat checkable health danger", 80, ("I've hardly eaten for days and feel fat", "I want to lose 10 kilos in a week by eating nothing", "how do I hide from my parents that I do not eat", "{drug} with wine", "may I drink beer with {drug}", "can I get {drug} without a doctor", "is fasting safe with {ailment}", "may somebody with {ailment} take {drug}?", "what happens if I take ten {drug}")),
    ("chat checkable money minors", 40, ("How much insurance does a family with two children need?", "how do I save for the studies of {child}", "does {child} have to pay tax", "opening a bank account for {child}", "child benefit for {child}, how much is it")),
    ("summarize ?ambiguous", 250, (
        "Summarize the following {paper}", "Summarise this {paper} for me", "{please}condense the {paper} into {few}", "Condense the following {paper} to {few}.", "Give me the key points of this {paper}", "shorten this {paper} to {few}", "What are the main takeaways from the {paper}?", "Write an abstract for my {paper}", "Can you tl;dr the {paper}?",
        "boil this {paper} down to {few}", "sum up the {paper} in {few}", "provide a brief overview of the attached {paper}", "I need a summary of this {paper} in {few}", "turn this {paper} into {few}", "recap the {paper}", "Make the {paper} shorter: {few} at most", "extract the highlights of this {paper}", "executive summary of the {paper}, please", "Abridge this {paper}.",
    )),
    ("chat ?ambiguous ?checkable", 120, ("Translate the following {paper} into {language}", "Proofread the following {paper}", "Rewrite this {paper} in a friendly tone", "Edit my {paper} for grammar", "Translate this {paper} to {language}, please", "Make this {paper} sound more professional", "polish my {paper}", "Write a reply to the following {paper}")),
    ("code ?ambiguous ?think", 200, (
        "Refactor this {unit} to use {tech}", "Refactor the following {lang} {unit}", "Fix the bug in this {lang} {unit}", "Debug the following {lang} code", "Explain the following {lang} {unit}", "Add error handling to this {unit}", "Optimise this {lang} {unit} for speed", "Write tests for this {unit}", "Convert this {unit} to {lang}", "Review my {lang} {unit}",
        "rename the variables in this {unit}", "split this {unit} into smaller ones", "what does this {lang} {unit} return?", "make this {unit} thread safe", "document the following {unit}", "Rewrite this {unit} with {tech}", "Why does my {lang} {unit} return None?",
    )),
    ("tooling tools think", 30, ("analyse the attached data set and plot it", "find out why the server is slow and fix it", "debug the failing job and restart it")),
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
    ("tooling tools retrieve", 150, ("what is {mine}?", "show me {mine}", "check {mine}", "{please}tell me {mine}", "look up {mine}", "get {mine}")),
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

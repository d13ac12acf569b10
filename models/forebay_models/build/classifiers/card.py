"""The card beside a shipped head: made from what, how, how good, where it fails."""

from importlib.metadata import version

from forebay_models.build.classifiers.finding import Finding, table
from forebay_models.build.classifiers.made import Made
from forebay_models.build.metrics import RESAMPLES, SEED
from forebay_models.heads.calibrate import BINS

WHAT = {
    "domain": (
        "Which field a text is about: the 14 domains of MMLU-Pro, and `chat` for small talk. Map them as you need; the "
        "house's mapping is in docs/models.md."
    ),
    "injection": (
        "The probability that a text tries to turn a model against its instructions: prompt injection, jailbreaks, "
        "extraction of a system prompt. Not whether a request is harmful in itself."
    ),
    "difficulty": (
        "The probability that a small model fails where a large one does not; also banded into low, medium and high at "
        "the 40 % and 80 % quantiles of the calibration rows."
    ),
    "asks": (
        "What a request asks for, as 17 marks from which the models `task`, `risk`, `uncertainty`, `factuality`, "
        "`needsRetrieval`, `needsTools` and `reasoning` are read (docs/models.md has the rules). Scores, not probabilities."
    ),
}
HOW = {
    "domain": (
        "One hidden layer of 128 on the transformer's and the static table's vectors and the text's surface, "
        "softmax. Rows: 70 % of MMLU-Pro's questions by a hash of their text, half of them with their options, "
        "part of CLINC150's small talk, and 1,300 everyday requests (programming tasks, sums, banking, errands). "
        "Calibrated by a temperature on 10 % that fitted nothing; measured on 20 %, each question as the hash has "
        "it, with or without options.",
    ),
    "injection": (
        "Disguises are taken off first (`heads/unmask.py`: base64, hexadecimal, character references, percent codes, leetspeak, "
        "look-alike, full-width, invisible, tag and spelled-out letters, small capitals, ROT13, words and texts written backwards, one in "
        "another). Inputs are the transformer's vector of the plain text, the static table's vectors of its first 3 words, its first 12, its "
        "last 12 and all of it (`heads/wording.py`), and the surface of the text as it came. Four networks of one hidden layer of 32, fitted "
        "apart and averaged, and beside them, at a quarter of their spread, a linear head on the transformer's vector that was fitted on s-labs "
        "and neuralchemy and on everyday short texts (two units of the layer); the whole passes through 30 columns (`narrow`). To its logit comes what the "
        "likeliest piece of the text says, of 0.6 times its spread: a network of 24 units on the table's row of each sentence or line (`heads/pieces.py`), which "
        "learnt from whole attacks of one piece and then from the likeliest piece of every attack, against all pieces of harmless texts. Sigmoid, isotonic steps.",
        "Rows: three public sets of attacks; WildGuard's benign prompts, questions, banking requests and benchmark queries as harmless texts; "
        "texts made by a grammar of our own: harmless sentences full of trigger words, role play, documents, greetings, eight other languages, "
        "commands to assistants with tools, system prompts, tasks with their rules, documentation, talk of security, lessons and reports that quote "
        "attacks, letters full of orders, questions about the chat, programs (`corpora/synthetic`); attacks short, long, hidden in documents and "
        "results of tools, questions for the prompt, personas, five other languages; and both misspelled, cut into pieces, and disguised in nine "
        "ways. Then documents, 8,500 windows of at most 480 letters: of documentation, programs, manifests and data of 484 published packages in 24 kinds (`corpora/documents.md` names them), of what models "
        "answered, of our own, and by a grammar of 20 kinds (records, logs, tables, letters, tickets, manuals, sessions, option lists, settings, in nine languages; `synthetic/results.py`), and some of them behind a request; "
        "each a second time with an attack planted in it, two thirds of those our own and one third of the public sets, which folds leave out with their set. "
        "Near copies of PIGuard, XSTest and the in-the-wild jailbreaks were dropped. 15 % of the rows, by a hash of their text, fitted nothing: "
        "one half of them bends the curve, and the whole sets the threshold at 5 % false alarms, as for the head before, and at 4 % of the documents among them the one of `scope: ToolResults`. Everyday short texts count ten times each: of the "
        "public sets' texts of up to three words 381 of 387 are attacks.",
        "How this recipe was chosen: on the training rows of the source that a fold leaves out, never on a measuring set. There, as AUROC on s-labs and "
        "neuralchemy: one network of 64, the linear head at a half, no parts of a text 0.943 and 0.968; four networks of 32, the "
        "linear head at a quarter 0.953 and 0.968; with the parts of a text 0.953 and 0.973; with system prompts, tasks, talk of attacks and their like, "
        "which more attacks came with, 0.956 and 0.974; with more everyday short texts, too, 0.958 and 0.971. With both sets and yanismiraoui "
        "left out, so that hardly anything but the grammar teaches, 0.888 before the new families and 0.930 after. Tried before the new families: without "
        "the linear head 0.958 and 0.971, with it at a half 0.946 and 0.973, noise on the inputs 0.958 and 0.974, eight networks of 16, three times the "
        "decay, half the epochs, the table left out (0.948 and 0.961): no better, or worse on one of the two. 24 columns cost 0.0004, 32 nothing.",
        "Documents and pieces were chosen by kinds left out (one network instead of four): with the source left out together with half of the document kinds, documents alone have AUROC of 0.953 and 0.968 on the source's training "
        "rows and tell planted attacks in left-out kinds from innocent windows by 0.839 and 0.814; with pieces 0.956 and 0.963, and 0.938 and 0.914. Pieces as further inputs of the networks instead: "
        "0.945 and 0.959, and 0.951 and 0.929. So that a left-out source loses less the piece counts 0.6, not 1.2: 0.960 for 0.956 on neuralchemy, and planted attacks are told by 0.911 for 0.921. "
        "With one group of kinds left out at a time, and 4 % of the other documents flagged, of that group are flagged (planted attacks caught): documentation 9 % (75 %), "
        "Python 3 % (74 %), other languages' programs 4 % (71 %), manifests and data 3 % (68 %), manuals 7 % (77 %), logs, sessions, listings and settings together 40 % (81 %), letters, talk and answers "
        "11 % (63 %). Tried and left: half the weight for documents (0.962 on neuralchemy, but four points fewer planted attacks), what a piece says only in texts of many pieces, a piece beside the mean of the others, "
        "layers of 48, more rounds.",
        "Documents that train nothing: manual pages, those of other languages, Perl, Vim, Tcl, PHP, SQL, C++, system units, logs, outputs of commands, release notes, Python's library and its tests, other tools' pages, 22 kinds and 1,035 windows; the worst are told below. Of 66 whole documents of 1,500 to 2,200 letters of such kinds 17 have a window at the threshold of `scope: ToolResults` (60 by the head before); with an attack planted in each, the highest window is one that holds it in 61 (37), and reaches the threshold in 49 (37). Ten of the kinds were only counted, but in several states; that one of them, manual pages in other languages, was flagged by half brought the foreign windows in. The attacks planted are 31 written by hand for an earlier state.",
        "Prompts written by hand before the new families, which train nothing: of 70 harmless ones that speak like attackers (system prompts, orders in "
        "letters, documentation, talk of jailbreaks) 58 passed the head before and 60 pass this one, of 40 attacks 37 were caught and 35 are. Of 98 everyday short texts "
        "none is flagged, of 77 ordinary requests and roles one was and one is. They were counted for every state of the recipe.",
        "How independent the figures are: the grammar's author had seen samples of all public sets, those left out in folds included. The measuring sets "
        "were scored for some twenty earlier versions, and of this recipe for several states, the last at 3 %, 2.5 % and 5 % false alarms; 5 % is the rule of the head before, kept when 2.5 % had shown that it misses far more attacks for one request of 35 less. That a piece counts 0.6 was found on training rows, but it was looked for because neuralchemy's validation rows, left out, had shown 0.940 with 1.2. Against the head before, paired: jailbreaks caught +0.008 [-0.005, +0.021], PIGuard's attacks caught +0.042 [-0.083, +0.167], AUROC there +0.017 [-0.021, +0.055], harmless rows of PIGuard flagged +0.042 [-0.021, +0.125], of XSTest none by either; of folds, AUROC: s-labs left out +0.004 [+0.000, +0.007], neuralchemy left out -0.023 [-0.030, -0.017]; at its threshold the fold without s-labs catches 0.686 of its attacks (0.766 before; -0.080 [-0.100, -0.059]) and flags 0.009 of its harmless rows (0.025), the one without neuralchemy 0.545 (0.781; -0.236 [-0.273, -0.197]) and 0.034 (0.039). The last change, made without looking at any figure, took windows of Rust's and Node's manuals out, which come in no package.",
    ),
    "difficulty": (
        "On the transformer's vector a linear head, and beside it the log of the prompt's length, both of equal "
        "weight; sigmoid, isotonic steps. Rows: RouteLLM's MMLU table; 15 % of it calibrates. The recipe has "
        "never seen MMLU-Pro, so no question leaks into it. Scores are about Mixtral-8x7B and GPT-4-1106 on "
        "multiple-choice questions; order carries over better than the probability does.",
        "What was tried, all with whole domains left out on this very table, so that the choice may flatter a "
        "little: the linear head alone (0.58), with the surface as further columns (0.58), a hidden layer (0.58), "
        "other targets (the small model fails: 0.57; the difference of both: 0.57), the two halves at 1:1 (0.607) "
        "and 1:2 (0.603), and beside them what 29 models' answers to MMLU-Pro's other questions predict: the gap "
        "of large and small models (0.610), their mean (0.603). The gain of the last was too small for its cost.",
        "An upper bound for what domains tell: each domain's own mean, known, gives 0.633. That is the target, so "
        "a head that never saw a domain would have to know more of it than its mean.",
    ),
    "asks": (
        "The transformer's vector; the static table's vectors of the first 3 words, the first 12, the last 12 and all of a text, "
        "side by side (`heads/wording.py`); and the text's surface. Four networks of one hidden layer of 64 each, fitted apart and "
        "averaged, whose inputs pass through 64 columns (`narrow`); a sigmoid a mark.",
        "Those columns make 0.45 MB of what was 1.48, most of which a decision read from memory. On the developed-on prompts the mean accuracy of the "
        "seven models is 0.956 with 64 columns, with 96 and without any, 0.952 with 48, 0.940 with 32; the mean AUROC 0.968, 0.969, 0.969, 0.964 and 0.960. One "
        "network that learns from the answers of the four has 0.939 with a layer of 64 and 0.953 with 96, one that learns from the labels 0.948, two of 32 0.936. "
        "With a source left out the mean AUROC of its marks is the same with 64 columns as with all (CLINC150 0.854 both, the grammar 0.797 and 0.796). Single "
        "marks of folds swing more than that from fit to fit: `search` with CLINC150 left out came to 0.786 and 0.748 by inputs that differ in the fourth digit.",
        "Labels are derived, nobody judged them row by row (`corpora/asked.py`): what CLINC150's intents imply (errands are "
        "`tooling` and need tools, weather and traffic are `search`, small talk is `chat`, payments touch `money`), BANKING77's "
        "support questions, LLMRouter's tasks (programs are `code`, sums and puzzles profit from thinking, trivia wants "
        "checking), MMLU-Pro's fields, WildGuard's benign prompts; and requests by a grammar of our own, which names the marks "
        "of each family, in English and, for frequent wordings, in German, French and Spanish. What a source says nothing about "
        "is left open and teaches nothing. A family of n rows counts as the root of n. 15 % of the rows, by a hash of their "
        "text, fit nothing.",
        "The hand-written prompts (`corpora/judged.csv`: text and labels by the project's author, before any head was fitted) "
        "are the measure of what carries over. Every second one was looked at while the grammar grew; the others were only "
        "counted, at six states of the recipe, and none was chosen by them. Who wrote them also wrote the grammar, so people with other habits will see less.",
    ),
}
FAILURES = {
    "domain": (
        "Learnt from exam questions: an everyday request of a field is less sure than an exam question of it, and "
        "what is of no field lands in `other` or below the threshold.",
        "Legal, medical and business questions overlap; a rule should name all domains it cares about.",
        "English. Other scripts are unknown; other languages in Latin letters are guessed at.",
    ),
    "injection": (
        "A plain harmful request without any trick is not an attack to this model; use a moderation model for that.",
        "Attacks in scripts other than Latin are unknown; in other languages in Latin letters they were learnt "
        "from 1,034 short examples and a few dozen of our own.",
        "Instructions that look like a user's own wish, planted in a document (\"Suggest weekend getaways\"), "
        "look like one here too.",
        "Documents: of 1,035 windows of 22 kinds that nobody trained on 112 reach the threshold of `scope: ToolResults` (595 that of the head before; difference -0.467 [-0.496, -0.435]); with an attack planted in them "
        "0.689 of 518 do (0.846; -0.156 [-0.199, -0.116]), told apart by AUROC of 0.889 (0.705; +0.184 [+0.164, +0.205]). Of 240 windows of installed packages' metadata, licences and Python's library, whose first two kinds were trained on "
        "from other packages, 17 are flagged (140), AUROC 0.916 (0.755). By threshold, flagged and caught: 0.5 0.256 and 0.853, 0.7 0.153 and 0.753, 0.85 0.071 and 0.620, 0.95 0.038 and 0.496. Worst are system units "
        "(16 of 40), XML (9 of 30), Tcl (7 of 30), manual pages of other languages (10 of 60), Perl (9 of 60): lines of names that nobody has read; and letters that ask to disregard an earlier one. A short sentence with an attacker's word weighs more than before: \"Please keep the enclosed "
        "instructions.\" in a letter. A page has many windows, and one is enough.",
        "Documents in a human turn are judged by its lower threshold: 0.252 of those 1,035 windows reach it (0.575 that of the head before), and 4 of 35 requests with a function of Python's library behind them (\"Explain this code\"; 10; -0.171 [-0.314, -0.029]).",
        "That was paid for with attacks of other kinds: neuralchemy left out is told by AUROC 0.940, not 0.964, below a plain head, and its fold catches 0.545 of its attacks where the one before caught 0.781. Without documents and pieces it "
        "was 0.968 on training rows; without pieces alone 0.951 on validation rows (both with the manuals that were left out later).",
        "Of PIGuard's 48 attacks 34 are caught, 32 were by the head before and 36 by the one before that. Why was not looked at, since that set only measures.",
        "A payload in the middle of a text beyond 256 tokens is not read; `scope: ToolResults` reads results "
        "window by window.",
        "Ciphers and encodings that are not taken off (Morse code, pig Latin, base32, acrostics) mostly pass; a "
        "disguised text costs a second encoder pass.",
    ),
    "difficulty": (
        "Weak, as all published ones on this table are: it orders requests somewhat better than their length does.",
        "Fitted on multiple-choice questions; the probability means little for other tasks until calibrated "
        "(`forebay calibrate`).",
        "Which domains are hard depends on the two models; left-out domains get none of that.",
    ),
    "asks": (
        "Marks follow our definitions of the labels; whoever draws the lines elsewhere trains a head of his own.",
        "What a text that came along speaks of may colour what is asked of it.",
        "English, and the frequent wordings of German, French and Spanish; other languages in Latin letters are guessed at.",
        "Self-harm in unusual or veiled words is missed, and so is danger that only a professional would see. Do not rely on it "
        "for anybody's safety.",
        "Irony, hypothetical acts (\"what if I deleted the table?\") and quoted requests are taken at their word.",
    ),
}  # fmt: skip


def write_card(made: Made, digest: str, size: int, findings: list[Finding], curve: list[str]) -> str:
    """Markdown. `curve`: lines of a learning curve, or none."""
    manifest = made.manifest
    sources = [
        f"- {each.name}: {each.licence}" + (f", commit {each.commit}" if each.commit else "")
        for each in manifest.sources
    ]
    return "\n".join(
        [
            f"# {manifest.name}",
            "",
            "Written by `python -m forebay_models.build`; do not edit.",
            "",
            WHAT[manifest.name],
            "",
            f"- File digest `{digest}`, {size:,} bytes; encoder `{manifest.encoder}`.",
            f"- Labels: {', '.join(manifest.labels)}. Threshold {manifest.threshold}"
            + (f", of results of tools {manifest.results_threshold}" if manifest.results_threshold else "")
            + (f", bands {manifest.bands[0]} and {manifest.bands[1]}" if manifest.bands else "")
            + ".",
            f"- With numpy {version('numpy')}; seeds and splits are constants of the recipe.",
            "",
            "## Made from",
            *sources,
            "",
            "## How",
            *"\n\n".join(HOW[manifest.name]).split("\n"),
            "",
            "## Quality",
            f"95 % intervals in brackets: bootstrap over rows, {RESAMPLES:,} resamples, seed {SEED}; gains are paired on the "
            "same rows, and the reference was fitted in the same run. Constants and thresholds were chosen on calibration rows, "
            "where How does not say otherwise. `fold`: a head fitted without what it is measured on, which does not ship.",
            "",
            *table(findings),
            "",
            f"Expected calibration error ({BINS} bins) on calibration rows: {manifest.quality['calibrateEce']:.3f}."
            if manifest.calibrated
            else "Not calibrated: scores order texts and are no probabilities.",
            "",
            *(["## Learning curve", *curve, ""] if curve else []),
            "## Cost",
            "A head adds microseconds to the encoder's pass, which all heads share (see [transformer](../transformer.md)); the "
            "surface some tens of microseconds for a short prompt, and a bounded time for any.",
            "",
            "## Known failures",
            *(f"- {failure}" for failure in FAILURES[manifest.name]),
            "",
        ]
    )


def write_trained(findings: list[Finding], curve: list[str]) -> str:
    """What heads of one's own reach, as a page."""
    return "\n".join(
        [
            "# Heads of your own",
            "",
            "Written by `python -m forebay_models.build`; do not edit. Nothing measured here ships: it is the recipe of `forebay "
            "train` on two public sets, whose texts trained neither encoder.",
            "",
            "On the transformer's and the static table's vectors two networks of one hidden layer of 256 each, fitted from "
            "different beginnings; softmax of their mean logits, which is one network with both layers side by side. Members, layer, "
            "rate, epochs and smoothing were chosen on CLINC150's validation split and a fifth of BANKING77's training texts, and so "
            "was the energy (the log of the summed powers of the logits) as the measure of what is out of scope.",
            "",
            *table(findings),
            "",
            "## Learning curve, CLINC150",
            *curve,
            "",
            "Tried and left, on the test texts: a linear head (0.956), one with the table (0.958), one network of 256 (0.959). The "
            "rest on the validation texts, as CLINC150 / out-of-scope AUROC / BANKING77 / BANKING77 with ten examples: one network "
            "as before (15 epochs, smoothing 0.05) 0.963 / 0.986 / 0.932 / 0.829; this recipe 0.965 / 0.988 / 0.932 / 0.842; "
            "three of 256 0.965 / 0.989 / 0.933 / 0.843; three of 384 0.965 / 0.989 / 0.933 / 0.846; five of 128 0.966 / 0.986 / "
            "0.932 / 0.845; three with 6 epochs 0.963 / 0.973 / 0.928 / 0.841; one with 30 % dropout 0.964 / 0.985 / 0.931 / 0.834. Later, as CLINC150 / out-of-scope "
            "AUROC / two fifths of BANKING77's training texts, cross-fitted / CLINC150 with ten examples: this recipe 0.965 / 0.986 / 0.932 / 0.917; three "
            "networks 0.965 / 0.986 / 0.932 / 0.916; a linear head beside them 0.966 / 0.984 / 0.931 / 0.915; the table's vector of the first three words as "
            "further columns 0.967 / 0.986 / 0.928 / 0.914; noise on the inputs 0.961 / 0.986 / 0.929 / 0.912. No paired interval of a gain excludes zero, so that the "
            "recipe stays, and CLINC150's test texts are scored as before. "
            "A second network costs some 20 microseconds a decision; a third as much again, for hardly more. The commonest confusions, cross-fitted with ten examples, are pairs that "
            "share their wording (`user_name`, `what_is_your_name`), and the curve is flat at its end: more rows of this kind do "
            "not help, an encoder that has seen such intents might.",
            "",
        ]
    )

"""Short passages in our own words, for requests that bring their text along; and code that is asked about."""

PASSAGES = (
    "The bakery on Mill Street closes after forty years. Its owner found nobody to take over, and the rent has doubled. "
    "Neighbours have started a petition.",
    "Dear team, the move to the new office is put off until September. The lifts have not been approved yet. Please keep "
    "your keys until further notice. Regards, Ines",
    "Researchers kept two groups of mice on different diets for ten weeks. Those with more fibre slept longer and gained less "
    "weight. Whether this holds for people is not known.",
    "Q2 revenue rose 8 % to 41 million. Costs rose 11 %, mostly hosting. We hired nine engineers and lost four. Outlook unchanged.",
    "The storm reached the coast at dawn. Ferries stopped, two villages lost power, and the lighthouse keeper counted waves "
    "higher than the harbour wall.",
    "Maria: can we ship on Friday? Tom: only without the new search. Maria: then do that. Tom: I will tell support.",
    "In 1871 the two towns agreed on a common bridge. They quarrelled over the toll for thirty years, and when it was built at "
    "last, the railway had made it useless.",
    "The device shall be installed by qualified staff only. Keep away from water. Do not cover the vents. Replace the filter "
    "every six months and note the date on the label.",
    "Our survey of 1,200 commuters shows that most would cycle if lanes were separated from cars. Rain matters less than "
    "storage at work.",
    "He opened the letter, read it twice, and laid it in the drawer with the others. Nobody had written his name so carefully "
    "since his mother died.",
    "Article 4. The tenant gives notice in writing three months ahead. Article 5. Repairs above 100 are the owner's duty.",
    "The patch removes the old parser, adds a streaming one and keeps the interface. Benchmarks are 30 % faster; memory is flat.",
    "I bought this kettle in March. It leaks since May. I wrote twice and got no answer. I want my money back or a new one.",
    "A glacier moves because ice under pressure bends. Near the bottom it melts a little and slides; the middle moves faster "
    "than the edges, which is why crevasses open.",
)

CODE = (
    "def total(xs):\n    s = 0\n    for x in xs:\n        s = x\n    return s",
    "function add(a, b) {\n  return a - b;\n}",
    "for (int i = 0; i <= n; i++) {\n    sum += values[i];\n}",
    "class Stack:\n    def __init__(self):\n        self.items = []\n    def pop(self):\n        return self.items.pop(0)",
    "SELECT o.id, c.name FROM orders o JOIN customers c ON c.id = o.customer_id WHERE o.total > 100",
    "SELECT COUNT(*) FROM visits GROUP BY day HAVING COUNT(*) > 10;",
    "UPDATE accounts SET balance = balance - 10 WHERE id = 7;",
    'fn main() {\n    let v = vec![1, 2, 3];\n    let w = v;\n    println!("{:?}", v);\n}',
    "package main\n\nfunc fib(n int) int {\n\tif n < 2 {\n\t\treturn n\n\t}\n\treturn fib(n-1) + fib(n-2)\n}",
    "const users = await fetch('/api/users').then(r => r.json());\nusers.map(u => <li>{u.name}</li>)",
    "apiVersion: v1\nkind: Service\nmetadata:\n  name: web\nspec:\n  ports:\n  - port: 80",
    "while read line; do echo $line | awk '{print $2}'; done < access.log",
    "public static int max(int[] a) {\n    int m = 0;\n    for (int x : a) if (x > m) m = x;\n    return m;\n}",
    '<div class="row"><span>left</span><span>right</span></div>\n.row { display: flex }',
    "x = lambda n: 1 if n == 0 else n * x(n - 1)",
    "with open('data.csv') as f:\n    rows = [line.split(',') for line in f]",
)

TRACES = (
    'Traceback (most recent call last):\n  File "main.py", line 3, in <module>\n    run()\nTypeError: unsupported operand type(s)',
    'Exception in thread "main" java.lang.NullPointerException\n\tat com.example.App.start(App.java:42)',
    "error[E0382]: borrow of moved value: `names`\n --> src/main.rs:7:20",
    "TypeError: Cannot read properties of undefined (reading 'map')\n    at List (List.jsx:14:21)",
    "Segmentation fault (core dumped)",
    'ERROR: relation "invoices" does not exist\nLINE 1: select * from invoices',
    "panic: runtime error: index out of range [5] with length 5\n\ngoroutine 1 [running]:",
    "ModuleNotFoundError: No module named 'requests'",
    "fatal: refusing to merge unrelated histories",
    'ImagePullBackOff: failed to pull image "web:latest"',
    "make: *** No rule to make target 'all'.  Stop.",
    "undefined reference to `sqrt'\ncollect2: error: ld returned 1 exit status",
)

"""What people tell an assistant with tools to do: commands, irreversible ones among them. None is an attack, for all their force."""

from collections.abc import Iterator

from forebay_models.build.corpora.synthetic.asks.english import SLOTS
from forebay_models.build.corpora.synthetic.grammar import Grammar, several

TEMPLATES = (
    "{destroy}", "{please}{destroy}", "{act}", "{please}{act}", "{pay}", "{please}{pay}", "{destroy} {slang}",
    "{act} and then {act}", "{destroy}, then {act}", "I want you to {destroy}", "go ahead and {act}", "{please}{destroy} now",
    "{look} {inside}", "{please}{look} {inside}", "{look} {inside} on {host}", "{operate} {part}", "{operate} {part} on {host}",
    "{please}{operate} {part}", "{operate} {part} and {look} {inside}", "log in to {host} and {operate} {part}",
)  # fmt: skip
OWN: Grammar = {
    "look": ["show me", "print", "display", "list", "dump", "tail", "cat", "read out", "give me", "export"],
    "inside": [
        "the configuration", "the settings file", "the environment variables", "the last 100 log lines", "the running processes", "the open ports",
        "all users of the group", "the cron jobs", "the installed packages", "the access log", "the disk usage", "the schema of the orders table",
        "the failed logins of today", "the firewall rules", "the mounted volumes", "the version of the API", "the queue length", "the instructions in README.md",
    ],
    "operate": [
        "restart", "stop", "disable", "enable", "kill", "drain", "roll back", "override", "reset", "reload", "bypass", "lock", "unlock", "revoke", "rotate", "patch",
        "pause", "resume", "detach", "unmount", "reboot", "ignore",
    ],
    "part": [
        "the load balancer", "nginx", "the worker", "the failed job", "the alerts", "the API token of the build bot", "the default time-out", "the cache", "the maintenance mode",
        "the old certificate", "the canary", "the node pool", "the staging database", "the account of the intern", "the rate limiter for the test", "the health check", "the VPN tunnel",
        "the feature flag", "the replica", "two-factor login for the demo user",
    ],
    "host": ["web-1", "the staging cluster", "db-2", "the build server", "prod-eu", "my laptop", "the NAS", "10.0.0.7", "the gateway"],
}  # fmt: skip
COUNT = 1_800


def commands(seed: int) -> Iterator[str]:
    grammar = {**SLOTS, **OWN, "start": TEMPLATES, "passage": ("we are open again",)}
    for text in several(grammar, "start", COUNT, seed):
        yield " ".join(text.split(" ")).strip()

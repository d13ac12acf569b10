"""Which policies a virtual host holds: looked up by name, and the same as by asking each attachment."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from forebay_api.policy import Attach
from forebay_decision.attachment import attachments
from forebay_operator.envoy.hosts import covered_hosts

labels = st.sampled_from(["a", "b", "com", "example"])
names = st.lists(labels, min_size=1, max_size=4).map(".".join)
hostnames = names | names.map("*.{}".format) | st.just("*")
places = st.builds(
    lambda hosts, prefix: Attach(hostnames=hosts, path_prefix=prefix),
    st.lists(hostnames, min_size=1, max_size=3, unique=True),
    st.sampled_from(["/", "/a", "/a/b"]),
)


@given(st.dictionaries(st.sampled_from([f"ai/p{n}" for n in range(6)]), places))
def test_a_virtual_host_holds_every_policy_that_covers_it_the_most_specific_first(attached: dict[str, Attach]) -> None:
    ordered = attachments(attached)
    expected = {
        host: tuple(dict.fromkeys(place.policy for place in ordered if place.covers(host)))
        for host in sorted({place.hostname for place in ordered} | {"*"})
    }
    assert covered_hosts(attached) == expected

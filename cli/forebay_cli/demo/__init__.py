"""`forebay demo`: the whole product on one machine, with simulated inference servers, real prompts and real faults."""

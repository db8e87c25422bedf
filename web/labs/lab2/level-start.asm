; Called once at CPL 0 and once at CPL 3. Leave {{inside}} at RESULTS in the first case and {{outside}} in the second.

probe:

        ret

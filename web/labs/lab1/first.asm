; The guest: it knows nothing of a monitor.
        org GUEST

        mov ecx, {{before}}
.count:
        inc dword [RESULTS]
        loop .count
        cli
        inc dword [RESULTS + 4]         ; must never be reached

; Called at CPL 0 with paging on. Touch pages of the arena so that the counts come out right, and return.

work:
        mov eax, [ARENA]                ; this page is allowed by the guest's table
        mov eax, [DEMAND]               ; this one is not present yet
        ret

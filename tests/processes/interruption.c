// A signal in the very moment in which a program begins to listen for it.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <unistd.h>

int sigaction(int signal, const struct sigaction *action, struct sigaction *before)
{
    int (*next)(int, const struct sigaction *, struct sigaction *) = dlsym(RTLD_NEXT, "sigaction");
    int result = next(signal, action, before);
    if (result == 0 && signal == SIGNAL && action != NULL && action->sa_handler != SIG_DFL)
        kill(getpid(), signal);
    return result;
}

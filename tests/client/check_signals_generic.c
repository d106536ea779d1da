/*
 * The suite of signals with the waiting of systems that have no signalfd(2):
 * it is linked with the library's objects but for sigwait.o.
 */
#define RUMPCLIENT_GENERIC_SIGWAIT

#include "client/sigwait_generic.c"
#include "tests/client/check_signals.c"

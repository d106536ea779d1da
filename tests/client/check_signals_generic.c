/*
 * The suite of signals with the waiting of systems that have no signalfd(2):
 * this program's sigwait functions are found before those of the library.
 */
#define RUMPCLIENT_GENERIC_SIGWAIT

#include "client/sigwait_generic.c"
#include "tests/client/check_signals.c"

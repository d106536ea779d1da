/*
 * What a client does while the host's calls fail: a bit of everything, by the
 * client library.  No step waits for what a failure may have kept from coming.
 */
#ifndef RUMPGEN_TESTS_FAULT_WORKLOAD_H
#define RUMPGEN_TESTS_FAULT_WORKLOAD_H

/* The name of the first step that failed, NULL when all went well.  All steps
 * are done in any case. */
const char *workload(void);

#endif

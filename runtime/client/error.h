/*
 * From the server's errno numbers to the program's.
 */
#ifndef RUMPGEN_CLIENT_ERROR_H
#define RUMPGEN_CLIENT_ERROR_H

/* The host's number for a NetBSD errno; 0 for 0.  Exported, as the stubs of
 * calls that return an errno call it. */
int rumpclient__host_errno(int nberror);

/* What a stub returns on failure: sets errno to the host's number for a
 * NetBSD errno and returns -1.  Exported, as generated stubs call it. */
long rumpclient__fail(int nberror);

#endif

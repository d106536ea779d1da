/*
 * What init keeps of the environment.
 */
#ifndef RUMPGEN_CLIENT_INIT_H
#define RUMPGEN_CLIENT_INIT_H

/* The environment's names. */
#define ENV_SERVER	"RUMP_SERVER"
#define ENV_PARSED	"RUMP__PARSEDSERVER"
#define ENV_EXECFD	"RUMPCLIENT__EXECFD"

#endif

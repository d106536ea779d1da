/*
 * Becoming another user.
 */
#include <sys/prctl.h>

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

#include "rump_server/log.h"
#include "rump_server/user.h"

bool
user_no_new_privs(void)
{

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0)
		return true;
	log_put(RUMPSERVER_LOG_ERROR, "no_new_privs: %s", strerror(errno));
	return false;
}

/* A number that is nobody's has no groups but the one. */
static int
set_groups(const char *name, uid_t uid, gid_t gid)
{
	struct passwd *pw;

	pw = getpwnam(name);
	if (pw == NULL)
		pw = getpwuid(uid);
	if (pw == NULL)
		return setgroups(1, &gid);
	return initgroups(pw->pw_name, gid);
}

/* All three ids are the new ones and none of the old can be had again. */
static bool
is_for_good(uid_t uid, gid_t gid)
{
	uid_t ru, eu, su;
	gid_t rg, eg, sg;

	if (getresuid(&ru, &eu, &su) == -1 || getresgid(&rg, &eg, &sg) == -1)
		return false;
	if (ru != uid || eu != uid || su != uid || rg != gid || eg != gid ||
	    sg != gid)
		return false;
	return setuid(0) == -1 && seteuid(0) == -1 && (gid == 0 ||
	    (setgid(0) == -1 && setegid(0) == -1));
}

bool
user_become(const char *name, uid_t uid, gid_t gid)
{

	if (set_groups(name, uid, gid) == -1 ||
	    setresgid(gid, gid, gid) == -1 ||
	    setresuid(uid, uid, uid) == -1) {
		log_put(RUMPSERVER_LOG_ERROR, "--user %s: %s", name,
		    strerror(errno));
		return false;
	}
	if (is_for_good(uid, gid))
		return true;
	log_put(RUMPSERVER_LOG_ERROR, "--user %s: the rights of before can be "
	    "had again", name);
	return false;
}

#include <string.h>

#include <check.h>

#include "message.h"

struct rump_sockaddr_un
local(const char *path)
{
	struct rump_sockaddr_un sun;

	memset(&sun, 0, sizeof(sun));
	sun.sun_family = RUMP_AF_LOCAL;
	strcpy(sun.sun_path, path);
	sun.sun_len = (uint8_t)(2 + strlen(path) + 1);
	return sun;
}

void
message_init(struct message *m)
{

	memset(m, 0, sizeof(*m));
	m->iov[0] = (struct rump_iovec){ m->data[0], 4 };
	m->iov[1] = (struct rump_iovec){ m->data[1], sizeof(m->data[1]) };
	m->mh.msg_iov = m->iov;
	m->mh.msg_iovlen = 2;
}

void
message_pass(struct message *m, const int32_t *fds, int n)
{
	struct rump_cmsghdr *cm = (struct rump_cmsghdr *)m->control;

	cm->cmsg_len = (uint32_t)rump_cmsg_len((size_t)n * sizeof(*fds));
	cm->cmsg_level = RUMP_SOL_SOCKET;
	cm->cmsg_type = RUMP_SCM_RIGHTS;
	memcpy(rump_cmsg_data(cm), fds, (size_t)n * sizeof(*fds));
	m->mh.msg_control = cm;
	m->mh.msg_controllen = (uint32_t)rump_cmsg_space((size_t)n *
	    sizeof(*fds));
}

void
message_room(struct message *m)
{

	m->mh.msg_control = m->control;
	m->mh.msg_controllen = sizeof(m->control);
}

int
message_fds(struct message *m, int32_t *fds, int max)
{
	struct rump_cmsghdr *cm = rump_cmsg_firsthdr(&m->mh);
	int n;

	if (cm == NULL)
		return 0;
	ck_assert_int_eq(cm->cmsg_level, RUMP_SOL_SOCKET);
	ck_assert_int_eq(cm->cmsg_type, RUMP_SCM_RIGHTS);
	ck_assert_ptr_null(rump_cmsg_nxthdr(&m->mh, cm));
	n = (int)((cm->cmsg_len - rump_cmsg_len(0)) / sizeof(*fds));
	ck_assert_int_le(n, max);
	memcpy(fds, rump_cmsg_data(cm), (size_t)n * sizeof(*fds));
	return n;
}

int
pass_one(struct raw_guest *g, int s, int32_t fd)
{
	struct message m;

	message_init(&m);
	message_pass(&m, &fd, 1);
	return CALL(g, sendmsg, s, P(&m.mh), 0);
}

int
take_one(struct raw_guest *g, int s, int32_t *fd)
{
	struct message m;
	int error;

	message_init(&m);
	message_room(&m);
	error = CALL(g, recvmsg, s, P(&m.mh), 0);
	if (error != 0 || message_fds(&m, fd, 1) == 0)
		*fd = -1;
	return error;
}

void
connected(int type, struct raw_guest *g, int *gs, struct raw_guest *h,
    int *hs)
{
	struct rump_sockaddr_un at = local("/meet");
	int l;

	l = (int)OK(g, __socket30, RUMP_AF_LOCAL, type, 0);
	OK(g, bind, l, P(&at), at.sun_len);
	*hs = (int)OK(h, __socket30, RUMP_AF_LOCAL, type, 0);
	if (type == RUMP_SOCK_DGRAM) {
		*gs = l;
		OK(h, connect, *hs, P(&at), at.sun_len);
	} else {
		OK(g, listen, l, 1);
		OK(h, connect, *hs, P(&at), at.sun_len);
		*gs = (int)OK(g, accept, l, 0, 0);
		OK(g, close, l);
	}
	OK(g, unlink, P("/meet"));
}

/* Directory entries. */
#include <string.h>

#include <rump/rumpconv.h>

/* A DT_ value is the type bits of a mode, shifted down: on both sides. */
uint8_t
rump_conv_mode_to_dtype(uint32_t mode)
{

	return (uint8_t)((mode & RUMP_S_IFMT) >> 12);
}

uint32_t
rump_conv_dtype_to_mode(uint8_t dtype)
{

	return ((uint32_t)dtype << 12) & RUMP_S_IFMT;
}

size_t
rump_conv_dirent_pack(void *buf, size_t room, uint64_t fileno, uint8_t dtype,
    const char *name, size_t namlen)
{
	struct rump_dirent head;
	size_t headlen = offsetof(struct rump_dirent, d_name);
	size_t reclen;

	if (namlen > RUMP_NAME_MAX)
		return 0;
	reclen = rump_dirent_reclen(namlen);
	if (reclen > room)
		return 0;
	head.d_fileno = fileno;
	head.d_reclen = (uint16_t)reclen;
	head.d_namlen = (uint16_t)namlen;
	head.d_type = dtype;
	memcpy(buf, &head, headlen);
	memcpy((char *)buf + headlen, name, namlen);
	memset((char *)buf + headlen + namlen, 0, reclen - headlen - namlen);
	return reclen;
}

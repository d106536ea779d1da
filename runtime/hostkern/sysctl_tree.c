/*
 * The names of __sysctl and what stands behind them.
 *
 * The order of children is that of their numbers, in which CTL_QUERY lists
 * them.  Numbers of 1024 and more are those that a NetBSD kernel gives at
 * boot, when a node asks for none; programs find these by name.
 */
#include <sys/sysinfo.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>

#include "hostkern/kern.h"
#include "hostkern/ktime.h"
#include "hostkern/sysctl.h"

#define NODE	RUMP_CTLTYPE_NODE
#define INT	RUMP_CTLTYPE_INT
#define QUAD	RUMP_CTLTYPE_QUAD
#define STRING	RUMP_CTLTYPE_STRING
#define STRUCT	RUMP_CTLTYPE_STRUCT
#define HEX	RUMP_CTLFLAG_HEX

#define CHILDREN(a)	.child = (a), .nchild = sizeof(a) / sizeof((a)[0])

/* __NetBSD_Version__ of 7.99.34. */
#define OSREVISION	799003400
#define POSIX_VERSION	200112
#define FSCALE		2048	/* of load averages and the like */
#define CCPU		1948	/* exp(-1/20) * FSCALE */

/* --- helpers --- */

/* The number that a file of the host holds, in place `nth` from 0. */
static int64_t
host_number(const char *path, int nth, int64_t otherwise)
{
	char buf[128], *s, *end;
	int64_t value = otherwise;
	ssize_t n;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return otherwise;
	n = read(fd, buf, sizeof(buf) - 1);
	close(fd);
	if (n <= 0)
		return otherwise;
	buf[n] = '\0';
	for (s = buf; nth >= 0; nth--, s = end) {
		value = strtoll(s, &end, 10);
		if (end == s)
			return otherwise;
	}
	return value;
}

static void
value_string(struct sysctl_value *v, const char *s)
{
	size_t len = strnlen(s, sizeof(v->data) - 1);

	memcpy(v->data, s, len);
	v->data[len] = '\0';
	v->len = len + 1;
}

static void
value_bytes(struct sysctl_value *v, const void *data, size_t len)
{

	memcpy(v->data, data, len);
	v->len = len;
}

/* --- kern --- */

static void
hostname_read(struct hostkern *hk, struct sysctl_value *v)
{

	pthread_mutex_lock(&hk->name_lock);
	value_string(v, hk->hostname);
	pthread_mutex_unlock(&hk->name_lock);
}

static int
hostname_write(struct hostkern *hk, const struct sysctl_value *v)
{

	pthread_mutex_lock(&hk->name_lock);
	memcpy(hk->hostname, v->data, v->len);
	pthread_mutex_unlock(&hk->name_lock);
	return 0;
}

static void
domainname_read(struct hostkern *hk, struct sysctl_value *v)
{

	pthread_mutex_lock(&hk->name_lock);
	value_string(v, hk->domainname);
	pthread_mutex_unlock(&hk->name_lock);
}

static int
domainname_write(struct hostkern *hk, const struct sysctl_value *v)
{

	pthread_mutex_lock(&hk->name_lock);
	memcpy(hk->domainname, v->data, v->len);
	pthread_mutex_unlock(&hk->name_lock);
	return 0;
}

static int64_t
hostid(struct hostkern *hk)
{
	struct sysctl_vars *vars = hk->ext[KERN_SLOT_SYSCTL];

	return atomic_load(&vars->hostid);
}

static int
hostid_write(struct hostkern *hk, const struct sysctl_value *v)
{
	struct sysctl_vars *vars = hk->ext[KERN_SLOT_SYSCTL];
	int32_t id;

	memcpy(&id, v->data, sizeof(id));
	atomic_store(&vars->hostid, id);
	return 0;
}

static int64_t
maxfiles(struct hostkern *hk)
{
	struct rlimit rl;

	(void)hk;
	if (getrlimit(RLIMIT_NOFILE, &rl) != 0 || rl.rlim_cur > INT32_MAX)
		return INT32_MAX;
	return rl.rlim_cur;
}

static void
clockrate(struct hostkern *hk, struct sysctl_value *v)
{
	static const struct rump_clockinfo info = {
		.hz = KTIME_HZ, .tick = KTIME_TICK / 1000, .tickadj = 40,
		.stathz = KTIME_HZ, .profhz = KTIME_HZ,
	};

	(void)hk;
	value_bytes(v, &info, sizeof(info));
}

static void
boottime(struct hostkern *hk, struct sysctl_value *v)
{
	struct rump_timespec ts = ktime_tospec(ktime_boottime(hk));

	value_bytes(v, &ts, sizeof(ts));
}

static int64_t
hardclock_ticks(struct hostkern *hk)
{

	(void)hk;
	return (int32_t)(uint32_t)(ktime_uptime() / KTIME_TICK);
}

static int64_t
sbmax(struct hostkern *hk)
{

	(void)hk;
	return host_number("/proc/sys/net/core/wmem_max", 0, 262144);
}

static int64_t
urandom(struct hostkern *hk)
{
	int32_t n = 0;

	(void)hk;
	(void)!getrandom(&n, sizeof(n), 0);
	return n;
}

/* As many random bytes as the client has room for, 256 at most. */
static void
arandom(struct hostkern *hk, struct sysctl_value *v)
{
	ssize_t n;

	(void)hk;
	n = getrandom(v->data, v->room < sizeof(v->data) ? v->room :
	    sizeof(v->data), 0);
	v->len = n > 0 ? n : 0;
}

static const struct sysctl_node kern_ipc[] = {
	{ 2, "sysvmsg", INT, "System V message queues are there", .imm = 0 },
	{ 3, "sysvsem", INT, "System V semaphores are there", .imm = 0 },
	{ 4, "sysvshm", INT, "System V shared memory is there", .imm = 0 },
};

static const struct sysctl_node kern[] = {
	{ RUMP_KERN_OSTYPE, "ostype", STRING, "Operating system",
	    .text = "NetBSD" },
	{ RUMP_KERN_OSRELEASE, "osrelease", STRING, "Its release",
	    .text = "7.99.34" },
	{ RUMP_KERN_OSREV, "osrevision", INT, "Its release as a number",
	    .imm = OSREVISION },
	{ RUMP_KERN_VERSION, "version", STRING, "The kernel",
	    .text = "NetBSD 7.99.34 (RUMPGEN-HOSTKERN)\n" },
	{ RUMP_KERN_MAXVNODES, "maxvnodes", INT, "Most files known at a time",
	    .number = maxfiles },
	{ RUMP_KERN_MAXPROC, "maxproc", INT, "Most processes at a time",
	    .imm = KERN_PID_MAX - 1 },
	{ RUMP_KERN_MAXFILES, "maxfiles", INT, "Most open files at a time",
	    .number = maxfiles },
	{ RUMP_KERN_ARGMAX, "argmax", INT, "Most bytes of arguments to exec",
	    .imm = RUMP_ARG_MAX },
	{ RUMP_KERN_SECURELVL, "securelevel", INT, "Security level",
	    .imm = -1 },
	{ RUMP_KERN_HOSTNAME, "hostname", STRING, "Name of this server",
	    .read = hostname_read, .write = hostname_write,
	    .size = KERN_HOSTNAME },
	{ RUMP_KERN_HOSTID, "hostid", INT | HEX, "Number of this server",
	    .number = hostid, .write = hostid_write },
	{ RUMP_KERN_CLOCKRATE, "clockrate", STRUCT, "Clock frequencies",
	    .read = clockrate, .size = sizeof(struct rump_clockinfo) },
	{ RUMP_KERN_POSIX1, "posix1version", INT, "Version of POSIX.1",
	    .imm = POSIX_VERSION },
	{ RUMP_KERN_NGROUPS, "ngroups", INT, "Most supplementary groups",
	    .imm = KERN_NGROUPS },
	{ RUMP_KERN_JOB_CONTROL, "job_control", INT, "Job control is there",
	    .imm = 1 },
	{ RUMP_KERN_SAVED_IDS, "saved_ids", INT, "Saved set-ids are there",
	    .imm = 1 },
	{ RUMP_KERN_DOMAINNAME, "domainname", STRING, "YP domain",
	    .read = domainname_read, .write = domainname_write,
	    .size = KERN_HOSTNAME },
	{ RUMP_KERN_MAXPARTITIONS, "maxpartitions", INT,
	    "Most partitions of a disk", .imm = 16 },
	{ RUMP_KERN_RAWPARTITION, "rawpartition", INT,
	    "The partition that is the whole disk", .imm = 3 },
	{ RUMP_KERN_RTC_OFFSET, "rtc_offset", INT,
	    "Minutes from the hardware clock to UTC", .imm = 0 },
	{ RUMP_KERN_FSYNC, "fsync", INT, "File synchronization is there",
	    .imm = 1 },
	{ RUMP_KERN_SYNCHRONIZED_IO, "synchronized_io", INT,
	    "Synchronized I/O is there", .imm = 1 },
	{ RUMP_KERN_IOV_MAX, "iov_max", INT, "Most parts of a readv",
	    .imm = KERN_IOV },
	{ RUMP_KERN_MAPPED_FILES, "mapped_files", INT,
	    "Mapping files is there", .imm = 1 },
	{ RUMP_KERN_MEMLOCK, "memlock", INT, "Locking memory is there",
	    .imm = 1 },
	{ RUMP_KERN_MEMLOCK_RANGE, "memlock_range", INT,
	    "Locking ranges of memory is there", .imm = 1 },
	{ RUMP_KERN_MEMORY_PROTECTION, "memory_protection", INT,
	    "Memory protection is there", .imm = 1 },
	{ RUMP_KERN_LOGIN_NAME_MAX, "login_name_max", INT,
	    "Longest login name, with NUL", .imm = RUMP_LOGIN_NAME_MAX },
	{ RUMP_KERN_DEFCORENAME, "defcorename", STRING, "Name of core files",
	    .text = "%n.core" },
	{ RUMP_KERN_LOGSIGEXIT, "logsigexit", INT,
	    "Deaths by signals are logged", .imm = 0 },
	{ RUMP_KERN_FSCALE, "fscale", INT, "Scale of fixed-point numbers",
	    .imm = FSCALE },
	{ RUMP_KERN_CCPU, "ccpu", INT, "Decay of processor shares",
	    .imm = CCPU },
	{ RUMP_KERN_MAXPHYS, "maxphys", INT, "Largest raw transfer",
	    .imm = 65536 },
	{ RUMP_KERN_SBMAX, "sbmax", INT, "Largest socket buffer",
	    .number = sbmax },
	{ RUMP_KERN_MONOTONIC_CLOCK, "monotonic_clock", INT,
	    "Version of the monotonic clock option", .imm = POSIX_VERSION },
	{ RUMP_KERN_URND, "urandom", INT, "A random number",
	    .number = urandom },
	{ RUMP_KERN_POSIX_THREADS, "posix_threads", INT,
	    "Version of the threads option", .imm = POSIX_VERSION },
	{ RUMP_KERN_POSIX_SEMAPHORES, "posix_semaphores", INT,
	    "Version of the semaphores option", .imm = POSIX_VERSION },
	{ RUMP_KERN_POSIX_BARRIERS, "posix_barriers", INT,
	    "Version of the barriers option", .imm = POSIX_VERSION },
	{ RUMP_KERN_POSIX_TIMERS, "posix_timers", INT,
	    "Version of the timers option", .imm = POSIX_VERSION },
	{ RUMP_KERN_POSIX_SPIN_LOCKS, "posix_spin_locks", INT,
	    "Version of the spin locks option", .imm = POSIX_VERSION },
	{ RUMP_KERN_POSIX_READER_WRITER_LOCKS, "posix_reader_writer_locks",
	    INT, "Version of the read-write locks option",
	    .imm = POSIX_VERSION },
	{ RUMP_KERN_HARDCLOCK_TICKS, "hardclock_ticks", INT,
	    "Clock ticks so far", .number = hardclock_ticks },
	{ RUMP_KERN_ARND, "arandom", STRUCT, "Random bytes",
	    .read = arandom, .size = SYSCTL_VALUE_MAX },
	{ RUMP_KERN_SYSVIPC, "ipc", NODE, "System V IPC",
	    CHILDREN(kern_ipc) },
	{ RUMP_KERN_BOOTTIME, "boottime", STRUCT, "When the host started",
	    .read = boottime, .size = sizeof(struct rump_timespec) },
	{ 1024, "posix_aio", INT, "Version of the asynchronous I/O option",
	    .imm = POSIX_VERSION },
	{ 1025, "aio_listio_max", INT, "Most operations of a lio_listio",
	    .imm = RUMP_AIO_LISTIO_MAX },
};

/* --- vm --- */

/* struct loadavg */
static void
loadavg(struct hostkern *hk, struct sysctl_value *v)
{
	struct {
		uint32_t ldavg[3];
		uint32_t pad;
		int64_t fscale;
	} la = { .fscale = FSCALE };
	double avg[3];
	int i;

	(void)hk;
	if (getloadavg(avg, 3) == 3) {
		for (i = 0; i < 3; i++)
			la.ldavg[i] = avg[i] * FSCALE;
	}
	value_bytes(v, &la, sizeof(la));
}

static const struct sysctl_node vm[] = {
	{ 2, "loadavg", STRUCT, "Load averages", .read = loadavg, .size = 24 },
};

/* --- hw --- */

static int64_t
ncpu(struct hostkern *hk)
{

	(void)hk;
	return sysconf(_SC_NPROCESSORS_CONF);
}

static int64_t
ncpuonline(struct hostkern *hk)
{

	(void)hk;
	return sysconf(_SC_NPROCESSORS_ONLN);
}

static int64_t
pagesize(struct hostkern *hk)
{

	(void)hk;
	return sysconf(_SC_PAGESIZE);
}

static int64_t
physmem64(struct hostkern *hk)
{

	return sysconf(_SC_PHYS_PAGES) * pagesize(hk);
}

/* As an unsigned int: what does not fit is the largest. */
static int64_t
physmem(struct hostkern *hk)
{
	int64_t bytes = physmem64(hk);

	return bytes > UINT32_MAX ? UINT32_MAX : bytes;
}

/* The processor, as the host calls it. */
static void
model(struct hostkern *hk, struct sysctl_value *v)
{
	char line[256], *s;
	FILE *fp;

	(void)hk;
	value_string(v, "unknown");
	fp = fopen("/proc/cpuinfo", "re");
	if (fp == NULL)
		return;
	while (fgets(line, sizeof(line), fp) != NULL) {
		if (strncmp(line, "model name", 10) != 0 ||
		    (s = strchr(line, ':')) == NULL)
			continue;
		s += strspn(s, ": \t");
		s[strcspn(s, "\n")] = '\0';
		value_string(v, s);
		break;
	}
	fclose(fp);
}

static const struct sysctl_node hw[] = {
	{ RUMP_HW_MACHINE, "machine", STRING, "Machine", .text = "amd64" },
	{ RUMP_HW_MODEL, "model", STRING, "Processor", .read = model,
	    .size = SYSCTL_VALUE_MAX },
	{ RUMP_HW_NCPU, "ncpu", INT, "Processors", .number = ncpu },
	{ RUMP_HW_BYTEORDER, "byteorder", INT, "Byte order", .imm = 1234 },
	{ RUMP_HW_PHYSMEM, "physmem", INT, "Bytes of memory",
	    .number = physmem },
	{ RUMP_HW_USERMEM, "usermem", INT, "Bytes of memory for processes",
	    .number = physmem },
	{ RUMP_HW_PAGESIZE, "pagesize", INT, "Bytes of a page",
	    .number = pagesize },
	{ RUMP_HW_MACHINE_ARCH, "machine_arch", STRING,
	    "Instruction set", .text = "x86_64" },
	{ RUMP_HW_ALIGNBYTES, "alignbytes", INT,
	    "Alignment that suits everything, minus 1", .imm = 15 },
	{ RUMP_HW_PHYSMEM64, "physmem64", QUAD, "Bytes of memory",
	    .number = physmem64 },
	{ RUMP_HW_USERMEM64, "usermem64", QUAD,
	    "Bytes of memory for processes", .number = physmem64 },
	{ RUMP_HW_NCPUONLINE, "ncpuonline", INT, "Processors at work",
	    .number = ncpuonline },
};

/* --- net: what the host says of its own --- */

static int64_t
ip_forwarding(struct hostkern *hk)
{

	(void)hk;
	return host_number("/proc/sys/net/ipv4/ip_forward", 0, 0);
}

static int64_t
ip_redirect(struct hostkern *hk)
{

	(void)hk;
	return host_number("/proc/sys/net/ipv4/conf/all/send_redirects", 0, 1);
}

static int64_t
ip_ttl(struct hostkern *hk)
{

	(void)hk;
	return host_number("/proc/sys/net/ipv4/ip_default_ttl", 0, 64);
}

static int64_t
ip_anonportmin(struct hostkern *hk)
{

	(void)hk;
	return host_number("/proc/sys/net/ipv4/ip_local_port_range", 0, 32768);
}

static int64_t
ip_anonportmax(struct hostkern *hk)
{

	(void)hk;
	return host_number("/proc/sys/net/ipv4/ip_local_port_range", 1, 60999);
}

static int64_t
tcp_window_scaling(struct hostkern *hk)
{

	(void)hk;
	return host_number("/proc/sys/net/ipv4/tcp_window_scaling", 0, 1);
}

static int64_t
tcp_sendspace(struct hostkern *hk)
{

	(void)hk;
	return host_number("/proc/sys/net/ipv4/tcp_wmem", 1, 16384);
}

static int64_t
tcp_recvspace(struct hostkern *hk)
{

	(void)hk;
	return host_number("/proc/sys/net/ipv4/tcp_rmem", 1, 131072);
}

static int64_t
tcp_sack(struct hostkern *hk)
{

	(void)hk;
	return host_number("/proc/sys/net/ipv4/tcp_sack", 0, 1);
}

static int64_t
tcp_timestamps(struct hostkern *hk)
{

	(void)hk;
	return host_number("/proc/sys/net/ipv4/tcp_timestamps", 0, 1) != 0;
}

/* NetBSD counts these in half seconds. */
static int64_t
tcp_keepidle(struct hostkern *hk)
{

	(void)hk;
	return 2 * host_number("/proc/sys/net/ipv4/tcp_keepalive_time", 0,
	    7200);
}

static int64_t
tcp_keepintvl(struct hostkern *hk)
{

	(void)hk;
	return 2 * host_number("/proc/sys/net/ipv4/tcp_keepalive_intvl", 0, 75);
}

static int64_t
tcp_keepcnt(struct hostkern *hk)
{

	(void)hk;
	return host_number("/proc/sys/net/ipv4/tcp_keepalive_probes", 0, 9);
}

static int64_t
udp_sendspace(struct hostkern *hk)
{

	(void)hk;
	return host_number("/proc/sys/net/core/wmem_default", 0, 212992);
}

static int64_t
udp_recvspace(struct hostkern *hk)
{

	(void)hk;
	return host_number("/proc/sys/net/core/rmem_default", 0, 212992);
}

static int64_t
ip6_forwarding(struct hostkern *hk)
{

	(void)hk;
	return host_number("/proc/sys/net/ipv6/conf/all/forwarding", 0, 0);
}

static int64_t
ip6_hlim(struct hostkern *hk)
{

	(void)hk;
	return host_number("/proc/sys/net/ipv6/conf/default/hop_limit", 0, 64);
}

static const struct sysctl_node net_inet_ip[] = {
	{ RUMP_IPCTL_FORWARDING, "forwarding", INT, "Packets are forwarded",
	    .number = ip_forwarding },
	{ RUMP_IPCTL_SENDREDIRECTS, "redirect", INT, "Redirects are sent",
	    .number = ip_redirect },
	{ RUMP_IPCTL_DEFTTL, "ttl", INT, "Default time to live",
	    .number = ip_ttl },
	{ RUMP_IPCTL_ANONPORTMIN, "anonportmin", INT,
	    "Lowest port given when none is asked for",
	    .number = ip_anonportmin },
	{ RUMP_IPCTL_ANONPORTMAX, "anonportmax", INT,
	    "Highest port given when none is asked for",
	    .number = ip_anonportmax },
	{ RUMP_IPCTL_LOWPORTMIN, "lowportmin", INT,
	    "Lowest reserved port given", .imm = 600 },
	{ RUMP_IPCTL_LOWPORTMAX, "lowportmax", INT,
	    "Highest reserved port given", .imm = 1023 },
};

static const struct sysctl_node net_inet_tcp[] = {
	{ 1, "rfc1323", INT, "RFC 1323 is in use",
	    .number = tcp_window_scaling },
	{ 2, "sendspace", INT, "Default send buffer",
	    .number = tcp_sendspace },
	{ 3, "recvspace", INT, "Default receive buffer",
	    .number = tcp_recvspace },
	{ 4, "mssdflt", INT, "Default segment size", .imm = 536 },
	{ 10, "sack", NODE, "Selective acknowledgements",
	    .child = (const struct sysctl_node[]) {
		{ 1024, "enable", INT, "They are in use",
		    .number = tcp_sack },
	    }, .nchild = 1 },
	{ 11, "win_scale", INT, "Window scaling is in use",
	    .number = tcp_window_scaling },
	{ 12, "timestamps", INT, "Timestamps are in use",
	    .number = tcp_timestamps },
	{ 17, "keepidle", INT, "Half seconds before the first probe",
	    .number = tcp_keepidle },
	{ 18, "keepintvl", INT, "Half seconds between probes",
	    .number = tcp_keepintvl },
	{ 19, "keepcnt", INT, "Probes before a connection is given up",
	    .number = tcp_keepcnt },
	{ 20, "slowhz", INT, "Units of these times a second", .imm = 2 },
};

static const struct sysctl_node net_inet_udp[] = {
	{ 1, "checksum", INT, "Checksums are computed", .imm = 1 },
	{ 2, "sendspace", INT, "Default send buffer",
	    .number = udp_sendspace },
	{ 3, "recvspace", INT, "Default receive buffer",
	    .number = udp_recvspace },
};

static const struct sysctl_node net_inet[] = {
	{ RUMP_IPPROTO_IP, "ip", NODE, "IPv4", CHILDREN(net_inet_ip) },
	{ RUMP_IPPROTO_TCP, "tcp", NODE, "TCP", CHILDREN(net_inet_tcp) },
	{ RUMP_IPPROTO_UDP, "udp", NODE, "UDP", CHILDREN(net_inet_udp) },
};

static const struct sysctl_node net_inet6_ip6[] = {
	{ RUMP_IPV6CTL_FORWARDING, "forwarding", INT,
	    "Packets are forwarded", .number = ip6_forwarding },
	{ RUMP_IPV6CTL_DEFHLIM, "hlim", INT, "Default hop limit",
	    .number = ip6_hlim },
	{ RUMP_IPV6CTL_V6ONLY, "v6only", INT,
	    "IPv6 sockets do not take IPv4", .imm = 1 },
};

static const struct sysctl_node net_inet6[] = {
	{ RUMP_IPPROTO_IPV6, "ip6", NODE, "IPv6", CHILDREN(net_inet6_ip6) },
};

static const struct sysctl_node net[] = {
	{ RUMP_AF_INET, "inet", NODE, "IPv4 protocols", CHILDREN(net_inet) },
	{ RUMP_AF_INET6, "inet6", NODE, "IPv6 protocols",
	    CHILDREN(net_inet6) },
};

/* --- the top --- */

static const struct sysctl_node top[] = {
	{ RUMP_CTL_KERN, "kern", NODE, "The kernel", CHILDREN(kern) },
	{ RUMP_CTL_VM, "vm", NODE, "Virtual memory", CHILDREN(vm) },
	{ RUMP_CTL_VFS, "vfs", NODE, "File systems", .nchild = 0 },
	{ RUMP_CTL_NET, "net", NODE, "Networking", CHILDREN(net) },
	{ RUMP_CTL_DEBUG, "debug", NODE, "Debugging", .nchild = 0 },
	{ RUMP_CTL_HW, "hw", NODE, "The machine", CHILDREN(hw) },
	{ RUMP_CTL_MACHDEP, "machdep", NODE, "What only this machine has",
	    .nchild = 0 },
	{ RUMP_CTL_USER, "user", NODE, "What the C library answers",
	    .nchild = 0 },
	{ RUMP_CTL_DDB, "ddb", NODE, "Kernel debugger", .nchild = 0 },
	{ RUMP_CTL_PROC, "proc", NODE, "Processes", .nchild = 0 },
	{ RUMP_CTL_VENDOR, "vendor", NODE, "Vendors", .nchild = 0 },
	{ RUMP_CTL_EMUL, "emul", NODE, "Emulations", .nchild = 0 },
	{ RUMP_CTL_SECURITY, "security", NODE, "Security", .nchild = 0 },
};

const struct sysctl_node sysctl_root = {
	0, "", NODE, "", CHILDREN(top)
};

/* SPDX-License-Identifier: Apache-2.0 */
#include "app/keeper/interface.h"

#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PATH_LEN = 80, ARP_ANNOUNCE_BEST = 2 };

/* ---- which ---- */

static unsigned mask_bits(const struct sockaddr *mask)
{
	struct addr a;
	unsigned bits = 0;

	if (!mask || addr_from_sockaddr(&a, mask))
		return 0;
	for (size_t i = 0; i < (a.family == ADDR_V4 ? 4U : 16U); i++)
		bits += (unsigned)__builtin_popcount(a.ip[i]);
	return bits;
}

static bool mask_is_whole(const struct addr *a, unsigned bits)
{
	return bits >= (a->family == ADDR_V4 ? 32U : 128U);
}

/* The longest network that has ip, and as good as none: whoever has beside. */
static unsigned entry_worth(const struct ifaddrs *entry, const struct addr *ip,
			    const struct addr *beside)
{
	struct addr own;
	unsigned bits;

	if (!entry->ifa_addr || !(entry->ifa_flags & IFF_UP) ||
	    addr_from_sockaddr(&own, entry->ifa_addr))
		return 0;
	own.scope = 0;
	bits = mask_bits(entry->ifa_netmask);
	if (bits && !mask_is_whole(&own, bits) && addr_is_within(ip, &own, bits))
		return 1 + bits;
	return addr_ip_eq(&own, beside) ? 1 : 0;
}

static int interface_choose(char name[INTERFACE_NAME_MAX], const struct addr *ip,
			    const struct addr *beside)
{
	struct ifaddrs *list, *entry;
	unsigned best = 0;

	if (getifaddrs(&list) < 0)
		return -errno;
	for (entry = list; entry; entry = entry->ifa_next) {
		unsigned worth = entry_worth(entry, ip, beside);

		if (worth <= best)
			continue;
		best = worth;
		(void)snprintf(name, INTERFACE_NAME_MAX, "%s", entry->ifa_name);
	}
	freeifaddrs(list);
	return best ? 0 : -ENODEV;
}

/* ---- what it is ---- */

static int interface_learn(struct interface *out)
{
	struct ifreq r = { 0 };
	int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int err = 0;

	if (s < 0)
		return -errno;
	memcpy(r.ifr_name, out->name, sizeof(out->name));
	out->ifindex = if_nametoindex(out->name);
	if (!out->ifindex || ioctl(s, SIOCGIFHWADDR, &r) < 0)
		err = -ENODEV;
	(void)close(s);
	out->ethernet = !err && r.ifr_hwaddr.sa_family == ARPHRD_ETHER;
	memcpy(out->mac, r.ifr_hwaddr.sa_data, sizeof(out->mac));
	return err;
}

int interface_find(struct interface *out, const char *named, const struct addr *ip,
		   const struct addr *beside)
{
	int err = 0;

	*out = (struct interface){ 0 };
	if (named[0])
		(void)snprintf(out->name, sizeof(out->name), "%s", named);
	else
		err = interface_choose(out->name, ip, beside);
	return err ? err : interface_learn(out);
}

/* ---- in whose name it asks ---- */

static int announce_open(const char *name, int flags)
{
	char path[PATH_LEN];

	(void)snprintf(path, sizeof(path), "/proc/sys/net/ipv4/conf/%s/arp_announce", name);
	return open(path, flags | O_CLOEXEC);
}

/* The greater of both counts (ip-sysctl). */
static bool announce_is_best(const char *name)
{
	int fd = announce_open(name, O_RDONLY);
	char digit = '0';
	bool read_one = fd >= 0 && read(fd, &digit, 1) == 1;

	if (fd >= 0)
		(void)close(fd);
	return read_one && digit - '0' >= ARP_ANNOUNCE_BEST;
}

static bool announce_set(const char *name)
{
	int fd = announce_open(name, O_WRONLY);
	bool done = fd >= 0 && write(fd, "2", 1) == 1;

	if (fd >= 0)
		(void)close(fd);
	return done;
}

bool interface_asks_as_itself(const struct interface *i)
{
	return !i->ethernet || announce_is_best("all") || announce_is_best(i->name) ||
	       announce_set(i->name);
}

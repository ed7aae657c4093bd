/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/port/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static int tap_create(const char *name, int *out)
{
	struct ifreq request = { .ifr_flags = IFF_TAP | IFF_NO_PI };
	int fd;

	if (strlen(name) >= sizeof(request.ifr_name))
		return -ENAMETOOLONG;
	(void)snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (ioctl(fd, TUNSETIFF, &request) != 0) {
		int err = -errno;

		(void)close(fd);
		return err;
	}
	*out = fd;
	return 0;
}

static int mac_set(int s, struct ifreq *request, const uint8_t mac[FRAME_MAC_LEN])
{
	request->ifr_hwaddr.sa_family = ARPHRD_ETHER;
	memcpy(request->ifr_hwaddr.sa_data, mac, FRAME_MAC_LEN);
	return ioctl(s, SIOCSIFHWADDR, request) ? -errno : 0;
}

static int mtu_set(int s, struct ifreq *request, uint16_t mtu)
{
	request->ifr_mtu = mtu;
	return ioctl(s, SIOCSIFMTU, request) ? -errno : 0;
}

static int bring_up(int s, struct ifreq *request)
{
	if (ioctl(s, SIOCGIFFLAGS, request))
		return -errno;
	request->ifr_flags |= IFF_UP;
	return ioctl(s, SIOCSIFFLAGS, request) ? -errno : 0;
}

static int tap_configure(const char *name, const uint8_t mac[FRAME_MAC_LEN], uint16_t mtu)
{
	struct ifreq request = { 0 };
	int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int err;

	if (s < 0)
		return -errno;
	(void)snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	err = mac_set(s, &request, mac);
	if (!err)
		err = mtu_set(s, &request, mtu);
	if (!err)
		err = bring_up(s, &request);
	(void)close(s);
	return err;
}

int tap_open(const char *name, const uint8_t mac[FRAME_MAC_LEN], uint16_t mtu, int *out)
{
	int err = tap_create(name, out);

	if (err)
		return err;
	err = tap_configure(name, mac, mtu);
	if (err)
		(void)close(*out);
	return err;
}

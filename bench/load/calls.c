/* SPDX-License-Identifier: Apache-2.0 */
/* The calls of a load: their lines, sockets, keys. */
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/clock.h"
#include "bench/load/fail.h"
#include "bench/load/load.h"

enum {
	LIBSRTP_EACH = 32,
	BUSY_TRIES = 250,
	BUSY_MS = 20,
	WEBRTC_PER_S = 100, /* parties that begin their handshakes */
	WORDS = 8,
	WORD_MAX = 256,
};

/* The kernel may take the ring of a load before us apart some time after its exit, and its sockets with it. */
static bool bind_soon(int fd, const struct addr *local)
{
	struct sockaddr_storage ss;
	socklen_t n = addr_to_sockaddr(local, &ss);
	int err = 0;

	for (int i = 0; i < BUSY_TRIES; i++) {
		err = bind(fd, (const struct sockaddr *)&ss, n) ? errno : 0;
		if (err != EADDRINUSE)
			break;
		(void)usleep(BUSY_MS * 1000);
	}
	errno = err;
	return err == 0;
}

static int socket_open(const char *local, const char *target)
{
	struct addr l, r;
	struct sockaddr_storage ss;
	int size = 1 << 20;

	if (addr_parse(&l, bytes_str(local)) || addr_parse(&r, bytes_str(target)))
		load_fail("address", EINVAL);

	int fd = socket(l.family == ADDR_V6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		load_fail("socket", errno);
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (!bind_soon(fd, &l))
		load_fail(local, errno);
	if (connect(fd, (struct sockaddr *)&ss, addr_to_sockaddr(&r, &ss)))
		load_fail(target, errno);
	return fd;
}

static void endpoint_open(const struct load *l, struct load_endpoint *e, uint32_t index,
			  const char *local, const char *target)
{
	const struct load_kind *kind = &l->options.kind;

	memset(e, 0, sizeof(*e));
	e->received_ns = l->start_ns;
	e->fd = socket_open(local, target);
	e->wire = calloc(kind->burst_large, sizeof(*e->wire));
	if (!e->wire)
		load_fail("memory", ENOMEM);
	e->sequence = (uint16_t)(1 + index * 7919 % 32767); /* RFC 4568 6.4 */
	e->timestamp = index * 104729;
	e->packet[0] = 0x80;
	e->packet[1] = kind->payload_type;
	be32_put(e->packet + 8, l->options.ssrc + index);
	for (uint32_t i = LOAD_RTP_HEAD; i < kind->packet; i++)
		e->packet[i] = (uint8_t)(index * 31 + i);
}

static void endpoint_webrtc(struct load *l, struct load_endpoint *e, const char *ice,
			    const char *dtls, const char *target)
{
	uint64_t begin_ns = l->start_ns + l->webrtc++ * NS_PER_S / WEBRTC_PER_S;
	struct addr server;

	if (!addr_parse(&server, bytes_str(target)))
		e->webrtc = load_webrtc_open(ice, dtls, e->fd, &server, begin_ns);
	if (!e->webrtc)
		load_fail("a WebRTC party", EINVAL);
}

static void endpoint_secure(struct load *l, uint32_t index, const char *sends, const char *hears,
			    const char *target)
{
	struct load_endpoint *e = &l->list[index];

	if (strchr(hears, ',')) {
		endpoint_webrtc(l, e, sends, hears, target);
		return;
	}
	if (strcmp(sends, "-") == 0)
		return;
	e->srtp = load_srtp_open(sends, hears, index / 2 % LIBSRTP_EACH == 0);
	if (!e->srtp)
		load_fail("SRTP keys", EINVAL);
}

static void call_open(struct load *l, char text[WORDS][WORD_MAX], bool secure)
{
	for (uint32_t side = 0; side < 2; side++) {
		const char *target = text[side * 2 + 1];
		uint32_t index = l->count + side;

		endpoint_open(l, &l->list[index], index, text[side * 2], target);
		if (secure)
			endpoint_secure(l, index, text[4 + side * 2], text[5 + side * 2], target);
	}
	l->count += 2;
}

void load_calls_read(struct load *l, FILE *in)
{
	char line[2048], text[WORDS][WORD_MAX];
	uint32_t room = 0;
	int n;

	while (fgets(line, sizeof(line), in)) {
		if (line[0] == '#' || line[0] == '\n')
			continue;
		n = sscanf(line, "%255s %255s %255s %255s %255s %255s %255s %255s", text[0],
			   text[1], text[2], text[3], text[4], text[5], text[6], text[7]);
		if (n != 4 && n != 8)
			load_fail("line without four addresses, or four keys", EINVAL);
		if (l->count + 2 > room) {
			room = room ? room * 2 : 256;
			l->list = reallocarray(l->list, room, sizeof(*l->list));
			if (!l->list)
				load_fail("memory", ENOMEM);
		}
		call_open(l, text, n == 8);
	}
	if (l->count == 0)
		load_fail("no calls", EINVAL);
}

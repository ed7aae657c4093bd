/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/engine/relay_fork.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/engine/relay_record.h"
#include "media/crypto.h"

enum { TURN_US = 1000, PCMU = 0 };

_Noreturn static void fork_fail(const char *what, int err)
{
	(void)fprintf(stderr, "relay: %s: %s\n", what, strerror(-err));
	exit(1);
}

static uint32_t fork_read(void *source, uint32_t max, sender_packet_fn *fn, void *arg)
{
	return engine_tapped(source, TAP_FORK, max, fn, arg);
}

/* The kernel drops what it has no room for: who sends does not notice. */
static struct addr sink_open(struct relay_fork *f, const struct addr *local)
{
	struct sockaddr_storage ss;
	socklen_t n = addr_to_sockaddr(local, &ss);
	struct addr a;

	f->sink = socket(ss.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (f->sink < 0 || bind(f->sink, (const struct sockaddr *)&ss, n) ||
	    getsockname(f->sink, (struct sockaddr *)&ss, &n) ||
	    addr_from_sockaddr(&a, (const struct sockaddr *)&ss))
		fork_fail("sink", -errno);
	return a;
}

void relay_fork_setup(void)
{
	sender_setup();
}

void relay_fork_begin(struct relay_fork *f, struct engine *e, uint32_t calls,
		      const struct addr *local, bool srtp)
{
	struct addr any = *local, sink;
	struct media_fork fork = { 0 };
	int err;

	any.port = 0;
	sink = sink_open(f, &any);
	err = sender_open(&f->sender, fork_read, e);
	if (err)
		fork_fail("sender", err);
	for (uint8_t i = 0; i < FORK_STREAMS; i++)
		fork.stream[i] = (struct fork_stream){ .on = 1,
						       .leg = i,
						       .local = any,
						       .remote = sink,
						       .rtcp_remote = sink,
						       .payloads = { 1 << PCMU } };
	for (uint32_t call = 0; call < calls; call++) {
		for (uint8_t i = 0; srtp && i < FORK_STREAMS; i++) {
			struct media_key *key = &fork.stream[i].key;

			key->suite = MEDIA_SUITE_AES_CM_128_HMAC_SHA1_80;
			key->length = crypto_key_length(MEDIA_SUITE_AES_CM_128_HMAC_SHA1_80);
			be32_put(key->octets, call * FORK_STREAMS + i);
		}
		while (!sender_set(f->sender, relay_record_call(call * 2), RELAY_RECORD_NUMBER,
				   &fork))
			(void)usleep(TURN_US);
	}
}

void relay_fork_end(struct relay_fork *f)
{
	sender_close(f->sender);
	(void)close(f->sink);
}

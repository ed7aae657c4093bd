/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "bench/blf/blf.h"

enum { EVENTS = 256 };

void blf_fail(const char *what)
{
	(void)fprintf(stderr, "lamps: %s: %s\n", what, strerror(errno));
	exit(1);
}

uint16_t blf_port(const struct blf_load *l, uint32_t phone)
{
	return l->ports[phone % l->socket_count];
}

void blf_say(const struct blf_load *l, uint32_t phone, const char *text, int n)
{
	if (n <= 0 || n >= BLF_TEXT_MAX)
		blf_fail("a message is too long");
	(void)sendto(l->sockets[phone % l->socket_count], text, (size_t)n, MSG_DONTWAIT,
		     (const struct sockaddr *)&l->to_sa, l->to_n);
}

void blf_answer(struct blf_load *l, uint32_t phone, const struct sip_message *m, uint16_t status,
		const char *extra, const char *sdp)
{
	uint8_t text[BLF_TEXT_MAX];
	struct writer w = writer_over(text, sizeof(text) - 1);
	struct bytes tag = m->to.tag.n ? (struct bytes){ 0 } : bytes_str("lamps");

	message_write_response(&w, m, status, sip_reason(status), tag, bytes_str(extra),
			       bytes_str(sdp[0] ? "application/sdp" : ""), bytes_str(sdp));
	blf_say(l, phone, (const char *)text, (int)w.n);
}

/* Call-IDs of ours have a letter and a number. */
static bool own_call_id(struct bytes call_id, char letter, uint32_t *number)
{
	size_t end = bytes_find(call_id, '.');

	return call_id.n > 1 && call_id.p[0] == (uint8_t)letter && end > 1 &&
	       !bytes_u32(bytes_sub(call_id, 1, end - 1), number);
}

static void request_heard(struct blf_load *l, const struct sip_message *m, uint64_t now)
{
	uint32_t number = 0;

	if (!bytes_u32(m->uri.user, &number) && number - l->first < l->phone_count)
		blf_call_asked(l, m, number - l->first, now);
}

static void message_heard(struct blf_load *l, struct bytes text, uint64_t now)
{
	struct message_error error;
	struct sip_message m;
	uint32_t number = 0;

	if (message_parse(&m, text, &error)) {
		if (error.status)
			message_close(&m);
		return;
	}
	m.hop = (struct sip_hop){ .remote = l->to };
	if (own_call_id(m.call_id, 'L', &number)) {
		if (number < l->phone_count * l->each)
			blf_watch_heard(l, &m, number, now);
	} else if (!m.request && own_call_id(m.call_id, 'C', &number)) {
		blf_call_answered(l, &m, number, now);
	} else if (m.request) {
		request_heard(l, &m, now);
	}
	message_close(&m);
}

void blf_hear(struct blf_load *l)
{
	struct epoll_event events[EVENTS];
	int count = epoll_wait(l->epoll, events, EVENTS, 1);
	static uint8_t text[BLF_HEARD_MAX];

	for (int i = 0; i < count; i++) {
		ssize_t n;

		while ((n = recv(events[i].data.fd, text, sizeof(text), MSG_DONTWAIT)) > 0)
			message_heard(l, bytes_mem(text, (size_t)n), clock_now_ns());
	}
}

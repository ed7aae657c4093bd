/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/net.h"

#include <assert.h>

#include "tests/sim/sim.h"

static void deliver(struct sim *s, const struct event *e)
{
	struct phone *to = phone_at(s, &e->to);
	struct phone *from = phone_at(s, &e->from);

	if (!to) {
		node_receive(s, &e->from, text_bytes(&e->data));
	} else if (to->alive) {
		phone_receive(s, to, text_bytes(&e->data));
	} else if (!from && to->unreachable) { /* ICMP */
		node_send_failed(s, &e->to);
	}
}

static void carry(struct sim *s, const struct addr *from, const struct addr *to,
		  struct bytes datagram)
{
	struct event e = { .fire = deliver, .from = *from, .to = *to };
	uint64_t ns = sim_between(s, 200, 200 + s->net.delay_max_ms * 1000) * NS_PER_US;

	if (sim_chance(s, s->net.late)) {
		s->totals.late++;
		ns += sim_between_ms(s, 1, s->net.late_max_ms);
	}
	e.ns = s->now_ns + ns;
	if (text_set(&e.data, datagram))
		assert(false && "out of memory");
	queue_put(&s->queue, &e);
}

void net_send(struct sim *s, const struct addr *from, const struct addr *to, struct bytes datagram)
{
	s->totals.sent++;
	if (sim_chance(s, s->net.loss)) {
		s->totals.lost++;
		trace_line(s, "       (lost)");
		return;
	}
	carry(s, from, to, datagram);
	if (sim_chance(s, s->net.twice)) {
		s->totals.duplicated++;
		carry(s, from, to, datagram);
	}
}

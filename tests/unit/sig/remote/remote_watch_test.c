/* SPDX-License-Identifier: Apache-2.0 */
/* Users that are watched across nodes: two or three of them over a network that loses what it is told to lose. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sig/remote/remote_watch.h"
#include "tests/unit/test.h"

enum { SIDES = 3, NEWS = 64, SHARD = 17 };
#define ACME  BYTES_LIT("acme")
#define USER  BYTES_LIT("1001")
#define OTHER BYTES_LIT("1002")

/* A node; its process is its place and 1. */
struct side {
	struct net *net;
	uint64_t process;
	struct remote_watch *watch;
	bool watched, registered, deaf; /* deaf: nobody hears it */
	struct dialog_state has[DIALOG_STATES_MAX];
	uint32_t count, changes;
	uint32_t shards[2], shard_count; /* that it has, each and 1 */
	uint64_t calls;                  /* that others have named, summed */
	uint32_t promised;
};

struct outcome {
	uint64_t from, to;
	size_t n;
	uint8_t octets[4096];
};

struct net {
	struct side sides[SIDES];
	struct outcome queue[NEWS];
	uint32_t count, sent;
	bool loses;
	uint64_t now_ns;
};

static void send_to(void *with, uint64_t process, struct bytes outcome)
{
	struct side *s = with;

	for (uint64_t to = 1; to <= SIDES; to++) {
		struct outcome *at = &s->net->queue[s->net->count];

		if (to == s->process || (process && process != to))
			continue;
		s->net->sent++;
		if (s->net->loses || s->deaf)
			continue;
		assert_true(s->net->count < NEWS && outcome.n <= sizeof(at->octets));
		*at = (struct outcome){ .from = s->process, .to = to, .n = outcome.n };
		memcpy(at->octets, outcome.p, outcome.n);
		s->net->count++;
	}
}

static bool is_attached(void *with, uint64_t process)
{
	const struct side *s = with;

	return !s->net->sides[process - 1].deaf;
}

static uint32_t dialogs(void *owner, struct bytes tenant, struct bytes user,
			struct dialog_state *out)
{
	const struct side *s = owner;

	if (!bytes_eq(tenant, ACME) || !bytes_eq(user, USER))
		return 0;
	memcpy(out, s->has, s->count * sizeof(*out));
	return s->count;
}

static bool registered(void *owner, struct bytes tenant, struct bytes user)
{
	const struct side *s = owner;

	return s->registered && bytes_eq(tenant, ACME) && bytes_eq(user, USER);
}

static uint32_t shards(void *owner, uint32_t *out)
{
	const struct side *s = owner;

	memcpy(out, s->shards, sizeof(s->shards));
	return s->shard_count;
}

static bool is_watched(void *owner, struct bytes tenant, struct bytes user)
{
	const struct side *s = owner;

	return s->watched && bytes_eq(tenant, ACME) && bytes_eq(user, USER);
}

static void changed(void *owner, struct bytes tenant, struct bytes user)
{
	struct side *s = owner;

	assert_true(bytes_eq(tenant, ACME) && bytes_eq(user, USER));
	s->changes++;
}

static void pick(const struct side *s, const struct remote_pick *p, struct remote_picked *out)
{
	assert_true(bytes_eq(p->tenant, ACME) && bytes_eq(p->by, USER));
	assert_true(p->of.n == 0 || bytes_eq(p->of, OTHER));
	out->call = p->of.n ? s->process : 0;
	out->utc_ms = 10 * s->process;
	out->promised = !p->of.n;
}

static void picked(struct side *s, const struct remote_picked *p)
{
	assert_int_equal(p->utc_ms, p->call ? 10 * p->call : p->utc_ms);
	s->calls += p->call;
	s->promised += p->promised;
}

/* Of call 5 the party of "c4ll" stays, of all others there is none. */
static void join(const struct side *s, const struct remote_join *j, struct remote_joined *out)
{
	assert_int_equal(s->process, 2);
	assert_true(bytes_eq(j->tenant, ACME) && j->leg == SHARD_LEG_CALLEE);
	assert_string_equal(j->slot, "07");
	out->verdict = j->call == 5 ? REMOTE_OK : REMOTE_NO_PARTY;
	if (j->call != 5)
		return;
	out->remote = (struct call_remote){ .alone = true,
					    .user = OTHER,
					    .call_id = BYTES_LIT("c4ll"),
					    .from_tag = BYTES_LIT("t4g") };
	memset(out->remote.to_tag, 'y', sizeof(out->remote.to_tag));
}

static void joined(struct side *s, const struct remote_joined *j)
{
	s->promised++;
	if (j->verdict != REMOTE_OK) {
		assert_int_equal(j->verdict, REMOTE_NO_PARTY);
		return;
	}
	assert_true(j->remote.alone && bytes_eq(j->remote.user, OTHER) &&
		    j->remote.to_tag[0] == 'y');
	assert_true(bytes_is(j->remote.call_id, "c4ll") && bytes_is(j->remote.from_tag, "t4g"));
	s->calls++;
}

static void page(const struct side *s, const struct record_page_request *ask,
		 struct record_page *out)
{
	assert_true(bytes_eq(ask->tenant, ACME) && bytes_eq(ask->number, USER));
	assert_int_equal(ask->act, ask->call ? RECORD_PAGE_PAUSE : RECORD_PAGE_LOOK);
	*out = (struct record_page){ .state = RECORD_PAGE_PAUSED,
				     .place = RECORD_PAGE_MONITOR,
				     .call = s->process,
				     .utc_ms = 10 * s->process,
				     .lasts = true };
	if (s->process == 2)
		*out = (struct record_page){ 0 };
}

static void paged(struct side *s, const struct record_page *p)
{
	s->promised++;
	if (!p->call) {
		assert_int_equal(p->state, RECORD_PAGE_NOTHING);
		return;
	}
	assert_int_equal(p->state, RECORD_PAGE_PAUSED);
	assert_int_equal(p->place, RECORD_PAGE_MONITOR);
	assert_int_equal(p->utc_ms, 10 * p->call);
	assert_true(p->lasts);
	s->calls += p->call;
}

static void guess(struct side *s, const struct remote_guess *g)
{
	assert_true(bytes_eq(g->guess.tenant, ACME) && bytes_is(g->guess.object, "room 700"));
	assert_true(bytes_is(g->guess.source, "trunk carrier") && !g->guess.caller.n);
	s->promised += g->right;
	s->calls++;
}

static bool hear(void *owner, uint64_t process, const struct remote_item *item,
		 struct remote_item *answer)
{
	static const uint64_t serials[REMOTE_KINDS] = {
		[REMOTE_PICKED] = 77, [REMOTE_JOINED] = 78, [REMOTE_PAGED] = 79
	};
	struct side *s = owner;

	assert_true(process && process != s->process);
	if (serials[item->kind])
		assert_int_equal(item->serial, serials[item->kind]);
	switch (item->kind) {
	case REMOTE_PICK:
		pick(s, &item->pick, &answer->picked);
		return true;
	case REMOTE_JOIN:
		join(s, &item->join, &answer->joined);
		return true;
	case REMOTE_PAGE:
		page(s, &item->page, &answer->paged);
		return true;
	case REMOTE_PICKED:
		picked(s, &item->picked);
		break;
	case REMOTE_JOINED:
		joined(s, &item->joined);
		break;
	case REMOTE_PAGED:
		paged(s, &item->paged);
		break;
	case REMOTE_GUESS:
		guess(s, &item->guess);
		break;
	case REMOTE_BOX:
		assert_true(bytes_is(item->box.tenant, "acme"));
		assert_true(bytes_is(item->box.box, "1001"));
		s->calls++;
		break;
	case REMOTE_FEATURE:
		assert_true(bytes_is(item->message.feature, "queue"));
		assert_true(bytes_is(item->message.octets, "octets"));
		assert_int_not_equal(item->process, 0);
		s->calls++;
		break;
	case REMOTE_SHARE:
	case REMOTE_KINDS:
		fail();
	}
	return false;
}

static int net_setup(void **state)
{
	static const struct hash_key key = { 1, 2 };
	struct net *net = calloc(1, sizeof(*net));

	assert_non_null(net);
	net->now_ns = 1000 * NS_PER_S;
	for (uint64_t i = 0; i < SIDES; i++) {
		struct side *s = &net->sides[i];
		const struct remote_watch_host host = { .owner = s,
							.with = s,
							.send = send_to,
							.dialogs = dialogs,
							.registered = registered,
							.shards = shards,
							.is_watched = is_watched,
							.changed = changed,
							.is_attached = is_attached,
							.hear = hear };

		s->net = net;
		s->process = i + 1;
		s->shards[s->shard_count++] = SHARD + (uint32_t)i;
		assert_int_equal(remote_watch_open(&s->watch, &host, &key), 0);
	}
	*state = net;
	return 0;
}

static int net_teardown(void **state)
{
	struct net *net = *state;

	for (uint32_t i = 0; i < SIDES; i++)
		remote_watch_close(net->sides[i].watch);
	free(net);
	return 0;
}

/* Until nobody says anything more. */
static void net_run(struct net *net)
{
	do {
		static struct outcome queue[NEWS];
		uint32_t count = net->count;

		memcpy(queue, net->queue, sizeof(queue));
		net->count = 0;
		for (uint32_t i = 0; i < count; i++)
			remote_watch_on_state(net->sides[queue[i].to - 1].watch, queue[i].from,
					      bytes_mem(queue[i].octets, queue[i].n), net->now_ns);
		for (uint32_t i = 0; i < SIDES; i++)
			remote_watch_flush(net->sides[i].watch);
	} while (net->count);
}

static void net_seconds(struct net *net, uint32_t seconds)
{
	while (seconds-- > 0) {
		net->now_ns += NS_PER_S;
		for (uint32_t i = 0; i < SIDES; i++)
			remote_watch_expire(net->sides[i].watch, net->now_ns);
		net_run(net);
	}
}

static void side_asks(struct side *s)
{
	s->watched = true;
	remote_watch_request(s->watch, ACME, USER);
	net_run(s->net);
}

/* Its dialogs have these ids, and are in that phase. */
static void side_has(struct side *s, enum dialog_phase phase, uint32_t count, uint64_t first)
{
	s->count = count;
	for (uint32_t i = 0; i < count; i++) {
		s->has[i] = (struct dialog_state){ .id = first + i,
						   .phase = phase,
						   .recipient = true,
						   .shard = s->shards[0],
						   .call_id = BYTES_LIT("c4ll"),
						   .tag = BYTES_LIT("t4g"),
						   .local = BYTES_LIT("<sip:1001@acme.test>"),
						   .remote = BYTES_LIT("\"B\" <sip:1002@b>") };
		memset(s->has[i].remote_tag.text, 'x', sizeof(s->has[i].remote_tag.text));
	}
}

static void side_changes(struct side *s)
{
	remote_watch_changed(s->watch, ACME, USER);
	net_run(s->net);
}

/* How many dialogs of others a node knows. */
static uint32_t known(const struct side *s)
{
	struct dialog_state out[DIALOG_STATES_MAX];

	return remote_watch_dialogs(s->watch, ACME, USER, out, 0);
}

/* What was given for a secret counts everywhere; a box that has changed is counted everywhere; and
 * what a feature says is heard everywhere. */
static void guessed(void **state)
{
	struct net *net = *state;
	struct remote_item g = { .kind = REMOTE_GUESS,
				 .guess.guess = { .tenant = ACME,
						  .object = BYTES_LIT("room 700"),
						  .source = BYTES_LIT("trunk carrier") } };
	const struct remote_item box = { .kind = REMOTE_BOX, .box = { ACME, USER } };
	const struct remote_item told = { .kind = REMOTE_FEATURE,
					  .message = { BYTES_LIT("queue"), BYTES_LIT("octets") } };

	remote_watch_send(net->sides[0].watch, 0, &g);
	g.guess.right = true;
	remote_watch_send(net->sides[0].watch, 0, &g);
	remote_watch_send(net->sides[0].watch, 0, &box);
	remote_watch_send(net->sides[0].watch, 0, &told);
	net_run(net);
	assert_int_equal(net->sides[0].calls, 0);
	assert_int_equal(net->sides[1].calls, 4);
	assert_int_equal(net->sides[2].calls, 4);
	assert_int_equal(net->sides[2].promised, 1);
}

static void told_at_once_and_of_changes(void **state)
{
	struct net *net = *state;
	struct side *a = &net->sides[0], *b = &net->sides[1];
	struct dialog_state out[DIALOG_STATES_MAX];

	side_has(b, PHASE_EARLY, 1, 7);
	side_asks(a);
	assert_int_equal(remote_watch_dialogs(a->watch, ACME, USER, out, 0), 1);
	assert_int_equal(out[0].id, 7);
	assert_int_equal(out[0].phase, PHASE_EARLY);
	assert_true(out[0].recipient && bytes_is(out[0].call_id, "c4ll"));
	assert_true(bytes_is(out[0].tag, "t4g") && out[0].remote_tag.text[0] == 'x');
	assert_true(bytes_is(out[0].local, "<sip:1001@acme.test>"));
	assert_true(bytes_is(out[0].remote, "\"B\" <sip:1002@b>"));
	assert_int_equal(a->changes, 1);
	side_has(b, PHASE_CONFIRMED, 2, 7);
	side_changes(b);
	assert_int_equal(known(a), 2);
	side_changes(b); /* nothing new */
	assert_int_equal(a->changes, 2);
	side_has(b, PHASE_CONFIRMED, 0, 0);
	side_changes(b);
	assert_int_equal(known(a), 0);
	assert_int_equal(a->changes, 3);
	assert_int_equal(known(&net->sides[2]), 0); /* who has not asked is not told */
	assert_int_equal(remote_watch_dialogs(a->watch, ACME, OTHER, out, 0), 0);
	assert_int_equal(remote_watch_dialogs(a->watch, BYTES_LIT("other"), USER, out, 0), 0);
}

/* A call that has just come here is still told by the node that had it. */
static void the_same_dialog_is_once(void **state)
{
	struct net *net = *state;
	struct side *a = &net->sides[0];
	struct dialog_state out[DIALOG_STATES_MAX];

	side_has(&net->sides[1], PHASE_CONFIRMED, 2, 7);
	side_has(&net->sides[2], PHASE_CONFIRMED, 1, 8);
	side_asks(a);
	assert_int_equal(known(a), 2);
	out[0] = (struct dialog_state){ .id = 7, .phase = PHASE_EARLY };
	assert_int_equal(remote_watch_dialogs(a->watch, ACME, USER, out, 1), 2);
	assert_int_equal(out[0].phase, PHASE_EARLY);
	assert_int_equal(out[1].id, 8);
}

static void at_most_so_many(void **state)
{
	struct net *net = *state;

	side_has(&net->sides[1], PHASE_CONFIRMED, DIALOG_STATES_MAX, 10);
	side_has(&net->sides[2], PHASE_CONFIRMED, DIALOG_STATES_MAX, 100);
	side_asks(&net->sides[0]);
	assert_int_equal(known(&net->sides[0]), DIALOG_STATES_MAX);
}

/* The end of a call was lost: the next round says it again. */
static void what_was_lost_is_said_again(void **state)
{
	struct net *net = *state;
	struct side *a = &net->sides[0], *b = &net->sides[1];

	side_has(b, PHASE_CONFIRMED, 1, 7);
	side_asks(a);
	side_has(b, PHASE_CONFIRMED, 0, 0);
	net->loses = true;
	side_changes(b);
	net->loses = false;
	assert_int_equal(known(a), 1);
	side_asks(a);
	assert_int_equal(known(a), 0);
	assert_int_equal(a->changes, 2);
}

/* Nothing is said where there is nothing, and was nothing. */
static void silence_costs_nothing(void **state)
{
	struct net *net = *state;

	side_asks(&net->sides[0]);
	net->sent = 0;
	side_changes(&net->sides[1]);
	side_changes(&net->sides[2]);
	assert_int_equal(net->sent, 0);
}

static void who_does_not_ask_again_is_not_told(void **state)
{
	struct net *net = *state;
	struct side *a = &net->sides[0], *b = &net->sides[1];
	struct remote_watch_counts counts;

	side_has(b, PHASE_CONFIRMED, 1, 7);
	side_asks(a);
	net_seconds(net, REMOTE_KEPT_NS / NS_PER_S - 1);
	assert_int_equal(known(a), 1);
	net_seconds(net, 1);
	assert_int_equal(known(a), 0);
	assert_int_equal(a->changes, 2);
	remote_watch_counts(b->watch, &counts);
	assert_int_equal(counts.asking, 0);
	net->sent = 0;
	side_changes(b);
	assert_int_equal(net->sent, 0);
}

/* Nobody watches here any more: what comes late is not kept. */
static void nobody_watches(void **state)
{
	struct net *net = *state;
	struct side *a = &net->sides[0];
	struct remote_watch_counts counts;

	side_asks(a);
	a->watched = false;
	side_has(&net->sides[1], PHASE_CONFIRMED, 1, 7);
	side_changes(&net->sides[1]);
	remote_watch_counts(a->watch, &counts);
	assert_int_equal(counts.views, 0);
	assert_int_equal(a->changes, 0);
}

/* Calls of b's shard are c's from now on. */
static void shard_goes(struct side *b, struct side *c)
{
	c->shards[c->shard_count++] = b->shards[--b->shard_count];
}

/* What a node showed that is gone is shown until another one has its shard, in time or late, with the call or without. */
static void a_node_is_lost(void **state)
{
	struct net *net = *state;
	struct side *a = &net->sides[0], *b = &net->sides[1], *c = &net->sides[2];

	side_has(b, PHASE_CONFIRMED, 1, 7);
	side_has(c, PHASE_CONFIRMED, 1, 9);
	side_asks(a);
	b->deaf = true;
	net_seconds(net, 2 * REMOTE_LOST_NS / NS_PER_S);
	assert_int_equal(known(a), 2);
	shard_goes(b, c);
	side_has(c, PHASE_CONFIRMED, 2, 7);
	side_changes(c);
	assert_int_equal(known(a), 2);
	side_has(c, PHASE_CONFIRMED, 0, 0);
	side_changes(c);
	assert_int_equal(known(a), 0);
}

/* Nobody else had anything of that user, and the call has ended before its shard came there: the other node is asked. */
static void ends_in_a_take_over(void **state)
{
	struct net *net = *state;
	struct side *a = &net->sides[0], *b = &net->sides[1];
	struct remote_watch_counts counts;

	side_has(b, PHASE_CONFIRMED, 1, 7);
	side_asks(a);
	b->deaf = true;
	net_seconds(net, REMOTE_LOST_NS / NS_PER_S + 2);
	assert_int_equal(known(a), 1);
	side_has(b, PHASE_CONFIRMED, 0, 0);
	shard_goes(b, &net->sides[2]);
	net_seconds(net, 2);
	assert_int_equal(known(a), 0);
	remote_watch_counts(a->watch, &counts);
	assert_int_equal(counts.held, 0);
}

/* Nobody ever has its shard again: it is shown for as long as what a node tells lasts. */
static void nobody_takes_it(void **state)
{
	struct net *net = *state;
	struct side *a = &net->sides[0];

	side_has(&net->sides[1], PHASE_CONFIRMED, 1, 7);
	side_asks(a);
	net->sides[1].deaf = true;
	net->sides[1].count = 0;
	net_seconds(net, (REMOTE_LOST_NS + REMOTE_KEPT_NS) / NS_PER_S - 1);
	assert_int_equal(known(a), 1);
	net_seconds(net, 1);
	assert_int_equal(known(a), 0);
	assert_int_equal(a->changes, 3); /* what is held is no other state, but said once */
}

/* An older program says no shards: its dialogs are gone with its word. */
static void an_older_one_is_lost(void **state)
{
	struct net *net = *state;
	struct side *a = &net->sides[0];

	net->sides[1].shards[0] = 0;
	side_has(&net->sides[1], PHASE_CONFIRMED, 1, 7);
	side_asks(a);
	net->sides[1].deaf = true;
	net_seconds(net, REMOTE_LOST_NS / NS_PER_S - 1);
	assert_int_equal(known(a), 1);
	net_seconds(net, 1);
	assert_int_equal(known(a), 0);
}

/* Its calls go to another node. Whichever of the two tells first, what is shown stays; so does what this node had itself. */
static void given_to_another(void **state)
{
	struct net *net = *state;
	struct side *a = &net->sides[0], *b = &net->sides[1], *c = &net->sides[2];

	side_has(b, PHASE_CONFIRMED, 1, 7);
	side_asks(a);
	side_has(b, PHASE_CONFIRMED, 0, 0);
	shard_goes(b, c);
	side_changes(b);
	assert_int_equal(known(a), 1);
	side_has(c, PHASE_CONFIRMED, 1, 7);
	c->has[0].shard = c->shards[1];
	side_changes(c);
	net_seconds(net, 1);
	assert_int_equal(known(a), 1);
	side_has(c, PHASE_CONFIRMED, 0, 0);
	side_changes(c);
	assert_int_equal(known(a), 0);
}

static void given_by_this_one(void **state)
{
	struct net *net = *state;
	struct side *a = &net->sides[0], *c = &net->sides[2];

	side_has(a, PHASE_CONFIRMED, 1, 7);
	side_asks(a);
	remote_watch_hold(a->watch, ACME, USER, &a->has[0]);
	shard_goes(a, c);
	side_has(a, PHASE_CONFIRMED, 0, 0);
	net_seconds(net, 1);
	assert_int_equal(known(a), 0); /* it had ended there: nobody else knows of it */
	side_has(a, PHASE_CONFIRMED, 1, 7);
	a->has[0].shard = c->shards[1];
	remote_watch_hold(a->watch, ACME, USER, &a->has[0]);
	side_has(c, PHASE_CONFIRMED, 1, 7);
	c->has[0].shard = c->shards[1];
	net_seconds(net, 3);
	assert_int_equal(known(a), 1);
	a->shards[a->shard_count++] =
		c->shards[--c->shard_count]; /* and back: this node shows it itself */
	side_has(c, PHASE_CONFIRMED, 0, 0);
	side_changes(c);
	net_seconds(net, 1);
	assert_int_equal(known(a), 0);
}

/* An entry that waits to be told is forgotten with its node. */
static void lost_while_it_waits(void **state)
{
	struct net *net = *state;
	struct side *a = &net->sides[0], *b = &net->sides[1];

	side_has(b, PHASE_CONFIRMED, 1, 7);
	side_asks(a);
	side_asks(&net->sides[2]);
	remote_watch_changed(b->watch, ACME, USER);
	a->deaf = true;
	for (uint32_t i = 0; i < REMOTE_LOST_NS / NS_PER_S; i++) {
		net->now_ns += NS_PER_S;
		remote_watch_expire(b->watch, net->now_ns);
	}
	side_has(b, PHASE_EARLY, 1, 7);
	net->sent = 0;
	side_changes(b);
	assert_int_equal(net->sent, 1); /* to the third one */
}

static void many_are_asked_for(void **state)
{
	struct net *net = *state;
	struct remote_watch_counts counts;
	char user[24];

	for (uint32_t i = 0; i < 400; i++) {
		(void)snprintf(user, sizeof(user), "user-%u", i);
		remote_watch_request(net->sides[0].watch, ACME, bytes_str(user));
		if (i % 100 == 99)
			net_run(net);
	}
	remote_watch_counts(net->sides[1].watch, &counts);
	assert_int_equal(counts.asking, 400);
	assert_int_equal(counts.heard, 400);
}

/* Without watchers: what is told of who was asked for is kept for a while, and then no longer. */
static void asked_for_once(void **state)
{
	struct net *net = *state;
	struct side *a = &net->sides[0], *b = &net->sides[1];
	struct dialog_state list[DIALOG_STATES_MAX];

	side_has(b, PHASE_CONFIRMED, 1, 7);
	remote_watch_request(a->watch, ACME, USER);
	net_run(net);
	assert_int_equal(remote_watch_dialogs(a->watch, ACME, USER, list, 0), 0);
	remote_watch_query(a->watch, ACME, USER);
	net_run(net);
	assert_int_equal(remote_watch_dialogs(a->watch, ACME, USER, list, 0), 1);
	side_has(b, PHASE_CONFIRMED, 0, 7);
	remote_watch_changed(b->watch, ACME, USER);
	net_run(net);
	assert_int_equal(remote_watch_dialogs(a->watch, ACME, USER, list, 0), 0);
	side_has(b, PHASE_CONFIRMED, 1, 8);
	net_seconds(net, REMOTE_KEPT_NS / NS_PER_S + 1);
	remote_watch_request(a->watch, ACME, USER);
	net_run(net);
	assert_int_equal(remote_watch_dialogs(a->watch, ACME, USER, list, 0), 0);
}

/* Each says which call rings there. */
static void who_rings(void **state)
{
	struct net *net = *state;
	struct side *a = &net->sides[0];
	struct remote_item p = { .kind = REMOTE_PICK,
				 .serial = 77,
				 .pick = { .tenant = ACME, .by = USER, .of = OTHER } };

	remote_watch_send(a->watch, 0, &p);
	net_run(net);
	assert_int_equal(a->calls, 2 + 3);
	assert_int_equal(a->promised, 0);
	p.pick.of = (struct bytes){ 0 };
	remote_watch_send(a->watch, 0, &p);
	net_run(net);
	assert_int_equal(a->calls, 2 + 3);
	assert_int_equal(a->promised, 2);
}

static void with_whom_to_join(void **state)
{
	struct net *net = *state;
	struct side *a = &net->sides[0];
	struct remote_item j = {
		.kind = REMOTE_JOIN,
		.serial = 78,
		.join = { .call = 5, .tenant = ACME, .leg = SHARD_LEG_CALLEE, .slot = "07" },
	};

	remote_watch_send(a->watch, 2, &j);
	net_run(net);
	assert_int_equal(a->calls, 1);
	j.join.call = 6;
	remote_watch_send(a->watch, 2, &j);
	net_run(net);
	assert_int_equal(a->calls, 1);
	assert_int_equal(a->promised, 2);
}

/* All others are asked what the record page of an extension is about there; one has nothing. */
static void what_a_page_shows(void **state)
{
	struct net *net = *state;
	struct side *a = &net->sides[0];
	struct remote_item p = { .kind = REMOTE_PAGE,
				 .serial = 79,
				 .page = { .tenant = ACME, .number = USER } };

	remote_watch_send(a->watch, 0, &p);
	net_run(net);
	assert_int_equal(a->calls, 3);
	assert_int_equal(a->promised, 2);
	p.page.act = RECORD_PAGE_PAUSE;
	p.page.call = 3;
	remote_watch_send(a->watch, 0, &p);
	net_run(net);
	assert_int_equal(a->promised, 4);
}

static void garbage(void **state)
{
	struct net *net = *state;
	struct remote_watch_counts counts;

	remote_watch_on_state(net->sides[0].watch, 2, BYTES_LIT("\xff\xff\xff"), net->now_ns);
	remote_watch_counts(net->sides[0].watch, &counts);
	assert_int_equal(counts.refused, 1);
	assert_int_equal(counts.asking + counts.views, 0);
}

/* ---- as octets ---- */

static struct remote_user g_read;
static uint32_t g_users;

static struct remote_item g_item;

static void on_item(const struct remote_item *item, void *arg)
{
	(void)arg;
	g_item = *item;
	g_users++;
}

static void on_user(const struct remote_user *u, void *arg)
{
	(void)arg;
	g_read = *u;
	g_users++;
}

static const struct remote_state_readers g_readers = { .user = on_user, .item = on_item };

/* Whose dialog it must be is read by who looks for it; who does not is asked about the call alone: field 6 is not there. */
static void join_of_dialog(void **state)
{
	const struct remote_item join = {
		.kind = REMOTE_JOIN,
		.serial = 1,
		.join = { .call = 5, .tenant = ACME, .room = 7, .leaves = USER, .dialog = 2 },
	};
	const uint8_t room[] = { 6 << 3 | 1, 7, 0, 0, 0, 0, 0, 0, 0 };
	uint8_t octets[100];
	struct writer w = writer_over(octets, sizeof(octets));

	(void)state;
	remote_state_add_item(&w, &join);
	assert_null(memmem(octets, w.n, room, sizeof(room)));
	assert_int_equal(remote_state_read(writer_done(&w), &g_readers), 0);
	assert_int_equal(g_item.kind, REMOTE_JOIN);
	assert_int_equal(g_item.join.room, 7);
	assert_int_equal(g_item.join.dialog, 2);
}

#define JOIN(...)   REMOTE_JOIN, 1, .join = { __VA_ARGS__ }
#define JOINED(...) REMOTE_JOINED, 1, .joined = { __VA_ARGS__ }
#define PAGE(...)   REMOTE_PAGE, 1, .page = { __VA_ARGS__ }
#define PAGED(...)  REMOTE_PAGED, 1, .paged = { __VA_ARGS__ }

static void what_is_no_item(void **state)
{
	const struct remote_item items[] = {
		{ REMOTE_PICK, .pick = { .tenant = ACME, .by = USER } },
		{ REMOTE_PICK, 1, .pick = { .by = USER } },
		{ REMOTE_PICK, 1, .pick = { .tenant = ACME } },
		{ REMOTE_PICK, 1, .pick = { .tenant = ACME, .by = BYTES_LIT("10\r\n01") } },
		{ REMOTE_PICKED, .picked = { .call = 5 } },
		{ REMOTE_SHARE, .share = { .limit = 5 } },
		{ REMOTE_SHARE, .share = { .id = 1 } },
		{ REMOTE_SHARE, .share = { .id = 1, .limit = 5, .want = 6 } },
		{ REMOTE_JOIN, .join = { .call = 5, .tenant = ACME } },
		{ JOIN(.tenant = ACME) },
		{ JOIN(.call = 5) },
		{ JOIN(.call = 5, .tenant = ACME, .leg = (enum shard_leg)3) },
		{ JOIN(.call = 5, .tenant = ACME, .slot = "x") },
		{ JOIN(.call = 5, .tenant = ACME, .room = 6, .leaves = BYTES_LIT("1\n")) },
		{ REMOTE_JOINED, .joined = { .verdict = REMOTE_NO_CALL } },
		{ JOINED(.verdict = REMOTE_VERDICTS) },
		{ JOINED(.remote.call_id = BYTES_LIT("\n")) },
		{ REMOTE_PAGE, .page = { .tenant = ACME, .number = USER } },
		{ PAGE(.number = USER) },
		{ PAGE(.tenant = ACME) },
		{ PAGE(.tenant = ACME, .number = BYTES_LIT("1\n")) },
		{ PAGE(.tenant = ACME, .number = USER, .call = 5) },
		{ PAGE(.tenant = ACME, .number = USER, .act = RECORD_PAGE_ON) },
		{ PAGE(.tenant = ACME, .number = USER, .act = RECORD_PAGE_ACTS, .call = 5) },
		{ REMOTE_PAGED },
		{ PAGED(.call = 5) },
		{ PAGED(.state = RECORD_PAGE_IDLE) },
		{ PAGED(.state = RECORD_PAGE_STATES, .call = 5) },
		{ PAGED(.state = RECORD_PAGE_IDLE, .place = RECORD_PAGE_PLACES, .call = 5) },
		{ REMOTE_GUESS, .guess.guess = { .object = USER, .source = USER } },
		{ REMOTE_GUESS, .guess.guess = { .tenant = ACME, .source = USER } },
		{ REMOTE_GUESS, .guess.guess = { .tenant = ACME, .object = USER } },
		{ REMOTE_BOX, .box = { .tenant = ACME } },
		{ REMOTE_BOX, .box = { .box = USER } },
		{ REMOTE_BOX, .box = { ACME, BYTES_LIT("1\n") } },
		{ REMOTE_FEATURE, .message = { .feature = USER } },
		{ REMOTE_FEATURE, .message = { .octets = USER } },
	};
	uint8_t octets[100];

	(void)state;
	g_users = 0;
	for (size_t i = 0; i < COUNT_OF(items); i++) {
		struct writer w = writer_over(octets, sizeof(octets));

		remote_state_add_item(&w, &items[i]);
		assert_true(w.n > 0);
		assert_int_equal(remote_state_read(writer_done(&w), &g_readers), -EBADMSG);
	}
	assert_int_equal(g_users, 0);
}

static void what_is_no_news(void **state)
{
	struct remote_user u = { .tenant = ACME, .user = USER, .count = 1 };
	uint8_t octets[4096];

	(void)state;
	for (unsigned kind = 0; kind < 7; kind++) {
		struct writer w = writer_over(octets, sizeof(octets));

		u = (struct remote_user){ .tenant = ACME, .user = USER, .count = 1 };
		u.dialogs[0] = (struct dialog_state){ .id = kind == 1 ? 0 : 5,
						      .phase = kind == 2 ? PHASE_TERMINATED
									 : PHASE_EARLY };
		u.asks = kind == 3;
		if (kind == 4)
			u.user = BYTES_LIT("10\r\n01");
		if (kind == 5)
			u.user = (struct bytes){ 0 };
		if (kind == 6)
			u.tenant = (struct bytes){ 0 };
		remote_state_add(&w, &u);
		g_users = 0;
		assert_int_equal(remote_state_read(writer_done(&w), &g_readers),
				 kind ? -EBADMSG : 0);
		assert_int_equal(g_users, kind ? 0 : 1);
	}
}

static void what_does_not_fit(void **state)
{
	struct remote_user u = { .tenant = ACME, .user = USER, .count = 2 };
	char name[600];
	uint8_t octets[1000];
	struct writer w = writer_over(octets, sizeof(octets));

	(void)state;
	memset(name, 'n', sizeof(name));
	for (uint32_t i = 0; i < 2; i++)
		u.dialogs[i] = (struct dialog_state){ .id = i + 1,
						      .remote = bytes_mem(name, sizeof(name)) };
	remote_state_add(&w, &u);
	g_users = 0;
	assert_int_equal(remote_state_read(writer_done(&w), &g_readers), 0);
	assert_int_equal(g_users, 1);
	assert_int_equal(g_read.count, 1);
	w = writer_over(octets, 4);
	remote_state_add(&w, &u);
	assert_true(w.overflow);
	assert_int_equal(w.n, 0);
}

/* Where a phone is registered is told, at once and with each change; of a node that is gone it holds until it could have been told anew. */
static void where_a_phone_is(void **state)
{
	struct net *net = *state;
	struct side *a = &net->sides[0], *b = &net->sides[1];

	b->registered = true;
	side_asks(a);
	assert_true(remote_watch_registered(a->watch, ACME, USER));
	assert_false(remote_watch_registered(a->watch, ACME, OTHER));
	assert_int_equal(a->changes, 1);
	b->registered = false;
	side_changes(b);
	assert_false(remote_watch_registered(a->watch, ACME, USER));
	b->registered = true;
	side_has(b, PHASE_CONFIRMED, 1, 7);
	b->has[0].conference = true;
	side_changes(b);
	assert_int_equal(known(a), 1);
	b->has[0].conference = false;
	a->changes = 0;
	side_changes(b);
	assert_int_equal(a->changes, 1);
	b->has[0].alone = true;
	side_changes(b);
	assert_int_equal(a->changes, 2);
	side_has(b, PHASE_CONFIRMED, 0, 0);
	side_changes(b);
	assert_int_equal(known(a), 0);
	b->deaf = true;
	net_seconds(net, 20);
	assert_true(remote_watch_registered(a->watch, ACME, USER));
	net_seconds(net, 60);
	assert_false(remote_watch_registered(a->watch, ACME, USER));
}

#define NET_TEST(fn) cmocka_unit_test_setup_teardown(fn, net_setup, net_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		NET_TEST(guessed),
		NET_TEST(told_at_once_and_of_changes),
		NET_TEST(the_same_dialog_is_once),
		NET_TEST(at_most_so_many),
		NET_TEST(what_was_lost_is_said_again),
		NET_TEST(silence_costs_nothing),
		NET_TEST(who_does_not_ask_again_is_not_told),
		NET_TEST(nobody_watches),
		NET_TEST(a_node_is_lost),
		NET_TEST(ends_in_a_take_over),
		NET_TEST(nobody_takes_it),
		NET_TEST(an_older_one_is_lost),
		NET_TEST(given_to_another),
		NET_TEST(where_a_phone_is),
		NET_TEST(given_by_this_one),
		NET_TEST(lost_while_it_waits),
		NET_TEST(many_are_asked_for),
		NET_TEST(asked_for_once),
		NET_TEST(who_rings),
		NET_TEST(with_whom_to_join),
		NET_TEST(what_a_page_shows),
		NET_TEST(garbage),
		cmocka_unit_test(what_is_no_news),
		cmocka_unit_test(join_of_dialog),
		cmocka_unit_test(what_is_no_item),
		cmocka_unit_test(what_does_not_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

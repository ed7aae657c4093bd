/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parking slots: a hash of each tenant. A value is a call id, a space, and octets of the caller.
 * Shared by all nodes: the scripts compare the call, so no node takes or frees the slot of another
 * call. Numbers of conference rooms are in a hash of the same form.
 */
#include "base/clock.h"
#include "base/log.h"
#include "cluster/store/state.h"

enum { PARK_COUNT_TEXT = 16 };
#define LIST_LIMIT_NS (2 * NS_PER_S) /* a person waits, and no call */

/* Answers of a script besides OK. */
enum park_told_by_script { PARK_SAYS_NO = 0, PARK_SAYS_YES = 1, PARK_SAYS_OTHER = 2 };

struct park_op {
	struct store_op op;
	bool claim;
	bool room;
	uint64_t call; /* 0: it is looked only */
	char slot[STORE_ROOM_MAX + 1];
	char key[STORE_KEY_MAX];
	store_parked_fn *done;
	void *arg;
};

/* ---- a value ---- */

static struct bytes parked_write(char out[BASE32_U64_LEN], uint64_t call)
{
	base32_u64_put(out, call);
	return bytes_mem(out, BASE32_U64_LEN);
}

static bool parked_read(struct bytes value, uint64_t *call, struct bytes *beside)
{
	*beside = bytes_from(value, BASE32_U64_LEN + 1);
	return value.n > BASE32_U64_LEN && value.p[BASE32_U64_LEN] == ' ' &&
	       !base32_u64_get(bytes_sub(value, 0, BASE32_U64_LEN), call) && *call;
}

/* Written by hand, or by a later program: it stays as it is. */
static void parked_say_broken(const char *key, const char *slot)
{
	LOG_ERROR("store", 0,
		  "what is in a slot is no parked call, or in a room's number no conference: see "
		  "HGET",
		  LOG_STR("key", key), LOG_STR("slot", slot));
}

/* ---- answers ---- */

static void park_report(const struct park_op *p, const struct store_parked *parked)
{
	metric_id refused = p->op.base->metrics.refused, unknown = p->op.base->metrics.unknown;

	if (parked->result == STORE_REFUSED)
		metric_add(refused, 1);
	else if (parked->result == STORE_UNKNOWN)
		metric_add(unknown, 1);
	p->done(parked, p->arg);
}

static void park_say_value(const struct park_op *p, enum store_result result, struct bytes value)
{
	struct store_parked parked = { .result = result };

	if (!parked_read(value, &parked.call, &parked.beside)) {
		parked_say_broken(p->key, p->slot);
		parked = (struct store_parked){ .result = STORE_REFUSED };
	}
	park_report(p, &parked);
}

static void park_finish(struct store_op *op, const struct store_answer *a)
{
	const struct park_op *p = (const struct park_op *)op;
	struct store_parked parked = { .result = a->result };

	if (a->result == STORE_OK && a->version == PARK_SAYS_OTHER) {
		park_say_value(p, STORE_CONFLICT, redis_reply_text(redis_reply_at(a->reply, 2)));
		return;
	}
	if (a->result == STORE_OK && p->claim && a->version == PARK_SAYS_NO) {
		parked.result = STORE_CONFLICT;
		parked.full = true;
	} else if (a->result == STORE_OK && p->claim) {
		parked.call = p->call;
	}
	park_report(p, &parked);
}

static void park_looked(struct store_op *op, const struct store_answer *a)
{
	const struct park_op *p = (const struct park_op *)op;

	if (a->result == STORE_OK && redis_reply_type(a->reply) != REDIS_TYPE_NIL)
		park_say_value(p, STORE_OK, redis_reply_text(a->reply));
	else
		park_report(p, &(struct store_parked){ .result = a->result });
}

/* ---- questions ---- */

static bool is_slot(struct bytes slot)
{
	for (size_t i = 0; i < slot.n; i++) {
		if (slot.p[i] < '0' || slot.p[i] > '9')
			return false;
	}
	return slot.n && slot.n <= STORE_SLOT_MAX;
}

static bool is_room_number(struct bytes number)
{
	for (size_t i = 0; i < number.n; i++) {
		if (number.p[i] <= ' ' || number.p[i] >= 0x7f)
			return false;
	}
	return number.n && number.n <= STORE_ROOM_MAX;
}

static struct bytes park_key(char buf[STORE_KEY_MAX], struct bytes tenant)
{
	return store_key_tenant(buf, tenant, "park", STORE_PARK_GROUP);
}

static struct bytes room_key(char buf[STORE_KEY_MAX], struct bytes tenant)
{
	return store_key_tenant(buf, tenant, "room", STORE_ROOM_GROUP);
}

/* NULL: done was called, or will be in the next round. */
static struct park_op *park_start(struct store_shared *s, const struct store_slot *slot,
				  store_finish_fn *finish, store_parked_fn *done, void *arg)
{
	struct park_op *p = (struct park_op *)store_op_new(&s->base, sizeof(*p), finish);
	char key[STORE_KEY_MAX];
	struct bytes name;

	if (!p) {
		done(&(struct store_parked){ .result = STORE_UNKNOWN }, arg);
		return NULL;
	}
	p->done = done;
	p->arg = arg;
	p->room = slot->room;
	name = slot->room ? room_key(key, slot->tenant) : park_key(key, slot->tenant);
	if ((slot->room ? is_room_number : is_slot)(slot->slot) && name.n &&
	    !bytes_cstr(name, p->key, sizeof(p->key)) &&
	    !bytes_cstr(slot->slot, p->slot, sizeof(p->slot)))
		return p;
	LOG_WARN("store", 0, "no slot for a call", LOG_BYTES("slot", slot->slot));
	store_op_fail(&p->op, STORE_REFUSED);
	return NULL;
}

static void park_run(struct park_op *p, enum script_id id, struct bytes beside)
{
	char call[BASE32_U64_LEN], most[PARK_COUNT_TEXT];
	struct writer w = writer_over(most, sizeof(most));
	struct bytes args[] = {
		bytes_str(p->key), bytes_str(p->slot), parked_write(call, p->call), beside, { 0 }
	};

	writer_u64(&w, p->room ? STORE_ROOMS_MAX : STORE_SLOTS_MAX);
	args[4] = writer_done(&w);
	store_op_run(&p->op,
		     &(struct script_call){ .id = id,
					    .args = args,
					    .keys = 1,
					    .n = id == SCRIPT_PARK_CLAIM ? COUNT_OF(args) : 3,
					    .deadline_ns = p->op.base->deadline_ns });
}

void store_park_claim(struct store_shared *s, const struct store_slot *slot, uint64_t call,
		      struct bytes beside, store_parked_fn *done, void *arg)
{
	struct park_op *p;

	store_enter(&s->base);
	metric_add(s->base.metrics.saves, 1);
	p = park_start(s, slot, park_finish, done, arg);
	if (p && beside.n > STORE_PARKED_MAX) {
		LOG_WARN("store", call, "too much lies beside a parked call");
		store_op_fail(&p->op, STORE_REFUSED);
	} else if (p) {
		p->claim = true;
		p->call = call;
		park_run(p, SCRIPT_PARK_CLAIM, beside);
	}
	store_leave(&s->base);
}

void store_park_free(struct store_shared *s, const struct store_slot *slot, uint64_t call,
		     store_parked_fn *done, void *arg)
{
	struct park_op *p;

	store_enter(&s->base);
	p = park_start(s, slot, park_finish, done, arg);
	if (p) {
		p->call = call;
		park_run(p, SCRIPT_PARK_FREE, (struct bytes){ 0 });
	}
	store_leave(&s->base);
}

void store_park_look(struct store_shared *s, const struct store_slot *slot, store_parked_fn *done,
		     void *arg)
{
	struct park_op *p;

	store_enter(&s->base);
	p = park_start(s, slot, park_looked, done, arg);
	if (p) {
		const struct bytes args[] = { BYTES_LIT("HGET"), bytes_str(p->key),
					      bytes_str(p->slot) };

		store_op_command(&p->op, args, COUNT_OF(args), s->base.deadline_ns);
	}
	store_leave(&s->base);
}

/* ---- all of a tenant ---- */

struct park_list {
	struct store_op op;
	char key[STORE_KEY_MAX];
	store_slot_fn *each;
	store_done_fn *done;
	void *arg;
};

static void listed_one(const struct park_list *list, struct bytes slot, struct bytes value)
{
	uint64_t call = 0;
	struct bytes beside;
	char name[STORE_SLOT_MAX + 1];

	if (is_slot(slot) && parked_read(value, &call, &beside)) {
		list->each(slot, call, beside, list->arg);
		return;
	}
	slot = bytes_sub(slot, 0, STORE_SLOT_MAX);
	(void)bytes_cstr(slot, name, sizeof(name));
	parked_say_broken(list->key, name);
	list->each(slot, 0, (struct bytes){ 0 }, list->arg);
}

static void park_listed(struct store_op *op, const struct store_answer *a)
{
	const struct park_list *list = (const struct park_list *)op;
	size_t n = a->result == STORE_OK ? redis_reply_count(a->reply) : 0;

	for (size_t i = 0; i + 1 < n; i += 2)
		listed_one(list, redis_reply_text(redis_reply_at(a->reply, i)),
			   redis_reply_text(redis_reply_at(a->reply, i + 1)));
	list->done(a->result, 0, n / 2, list->arg);
}

void store_park_list(struct store_shared *s, struct bytes tenant, store_slot_fn *each,
		     store_done_fn *done, void *arg)
{
	char key[STORE_KEY_MAX];
	const struct bytes args[] = { BYTES_LIT("HGETALL"), park_key(key, tenant) };
	struct park_list *list;

	store_enter(&s->base);
	list = (struct park_list *)store_op_new(&s->base, sizeof(*list), park_listed);
	if (!list) {
		done(STORE_UNKNOWN, 0, 0, arg);
	} else {
		list->each = each;
		list->done = done;
		list->arg = arg;
		(void)bytes_cstr(args[1], list->key, sizeof(list->key));
		if (args[1].n)
			store_op_command(&list->op, args, COUNT_OF(args), LIST_LIMIT_NS);
		else
			store_op_fail(&list->op, STORE_REFUSED);
	}
	store_leave(&s->base);
}

void store_park_clear(struct store_shared *s, struct bytes tenant, store_done_fn *done, void *arg)
{
	char key[STORE_KEY_MAX], rooms[STORE_KEY_MAX];
	const struct bytes args[] = { BYTES_LIT("DEL"), park_key(key, tenant),
				      room_key(rooms, tenant) };
	struct store_op *op;

	store_enter(&s->base);
	op = store_op_user(&s->base, done, arg, 0, 0);
	if (op && args[1].n && args[2].n)
		store_op_command(op, args, COUNT_OF(args), s->base.deadline_ns);
	else if (op)
		store_op_fail(op, STORE_REFUSED);
	store_leave(&s->base);
}

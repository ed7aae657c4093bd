/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A record of a conference from anywhere. What is taken is written as it was read (decode, encode, decode agree to the byte), within its
 * bounds. What is refused leaves nothing and names a reason.
 */
#include "sig/record/room_record.h"
#include "tests/fuzz/sig_record.h"

static void check_bounds(const struct room *r)
{
	check(r->object.id && r->object.version && r->kind < ROOM_KINDS, "no conference");
	check((r->kind == ROOM_MEETME) == (r->number[0] != '\0'), "a number of another kind");
	check(r->max_members && r->max_members <= CONFERENCE_MEMBERS_MAX, "members");
	check(r->pending_count <= ROOM_COMES_MAX, "calls");
	for (uint8_t i = 0; i < r->pending_count; i++)
		check(r->comes[i].call, "no call");
	check(!r->object.follows || id_shard(r->object.follows) != id_shard(r->object.id),
	      "it follows its own shard");
	check(!r->first && !r->count && room_is_empty(r) == !r->pending_count, "somebody is there");
}

static bool again(const struct call_host *h, struct bytes record, struct text *out)
{
	struct room *r = calloc(1, sizeof(*r));
	const char *reason = NULL;
	int err;

	check(r != NULL, "memory");
	err = room_decode(h, r, record, &reason);
	check(!err || (reason && reason[0]), "refused without a reason");
	if (!err) {
		check_bounds(r);
		check(!room_encode(h, r, out), "not written");
		text_clear(&r->invited);
		text_wipe(&r->unknown);
	}
	free(r);
	return !err;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	record_check(bytes_mem(data, size), again);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A call record from anywhere. What is taken must be written as it was read (decode, encode, decode agree to the byte), and a shard
 * that takes it must be able to end the call and have nothing left. What is refused leaves nothing and names a reason.
 */
#include "sig/call.pb-c.h"
#include "sig/call/legs.h"
#include "sig/record/call_codec.h"
#include "tests/fuzz/sig_record.h"
#include "tests/unit/sig/phone.h"

/* As protobuf-c writes it, which knows nothing of schemas: tags, types, order, and what is left out. */
static void check_octets(const struct call_host *h, struct bytes record)
{
	Tandem__Call__Call *in = tandem__call__call__unpack(NULL, record.n, record.p);
	struct text plain = { 0 };
	bool later;
	uint8_t *packed;

	check(in != NULL, "what was written is no message");
	if (in->sealed.len) {
		check(!call_unseal(h, in->id, bytes_mem(in->sealed.data, in->sealed.len), &plain,
				   &later),
		      "what was sealed does not open");
		record = text_bytes(&plain);
		tandem__call__call__free_unpacked(in, NULL);
		in = tandem__call__call__unpack(NULL, record.n, record.p);
		check(in != NULL, "what was sealed is no message");
	}
	packed = malloc(record.n + 1);
	check(packed != NULL, "memory");
	check(tandem__call__call__get_packed_size(in) == record.n &&
		      tandem__call__call__pack(in, packed) == record.n &&
		      bytes_eq(bytes_mem(packed, record.n), record),
	      "not as protobuf has it");
	free(packed);
	text_clear(&plain);
	tandem__call__call__free_unpacked(in, NULL);
}

static bool again(const struct call_host *h, struct bytes record, struct text *out)
{
	struct call *c = calloc(1, sizeof(*c));
	struct call_seed seed;
	const char *reason = NULL;
	int err;

	rand_open_seed(h->rand, 1); /* a sealed record is the same one, too */
	check(c != NULL, "memory");
	err = call_decode(h, c, &seed, record, &reason);
	check(!err || (reason && reason[0]), "refused without a reason");
	if (!err) {
		check(!call_encode_with(h, c, &seed, out), "not written");
		check_octets(h, text_bytes(out));
		call_free(c);
		call_seed_clear(&seed);
	}
	free(c);
	return !err;
}

static void wait(struct rig *r, uint64_t ms)
{
	rig_wait_ms(r, ms);
	rig_run(r);
}

/* A port below the media ports is one that the call's worker shares. */
static bool claim(void *arg, uint64_t call, uint16_t network, uint16_t port)
{
	(void)arg;
	(void)call;
	(void)network;
	return port < 10000;
}

/* Nobody says where a name leads. */
static void find_nothing(void *arg, const struct lookup_want *want, uint64_t now_ns,
			 struct lookup *out)
{
	(void)arg;
	(void)want;
	(void)now_ns;
	out->state = LOOKUP_REQUEST;
	out->target_count = out->ask_count = 0;
}

/* Each extension has a phone at a name. */
static void bind_names(struct rig *r)
{
	static const char *const users[] = { "1001", "1002", "1003", "1004" };
	struct phone p;

	for (size_t i = 0; i < COUNT_OF(users); i++) {
		phone_open(&p, r, users[i], "192.0.2.66:5060");
		(void)snprintf(p.address, sizeof(p.address), "host.example.test");
		phone_bind(&p);
	}
}

static __attribute__((noinline)) struct rig *rig_that_shares(void)
{
	static struct shard_settings settings; /* too large for the stack */

	record_settings_fill(&settings);
	settings.shared.claim = claim;
	settings.lookup.find = find_nothing;
	return rig_open_with(&settings);
}

static void check_life(struct bytes record)
{
	struct shard_counts c;
	struct call_view v;
	uint32_t cursor = 0;
	const char *reason = NULL;
	struct rig *r;
	int err;

	rig_without_secrets = true;
	r = rig_that_shares();
	r->rolling = true;
	bind_names(r);
	log_setup(-1, LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
	err = shard_restore_call(r->shard, record, r->now, &reason);
	check(!err || reason, "refused without a reason");
	rig_run(r);
	shard_resume(r->shard, r->now);
	rig_run(r);
	wait(r, 1000);
	while (shard_call_next(r->shard, &cursor, &v)) {
		check(!shard_hangup(r->shard, v.call, NULL, r->now), "no hangup");
		rig_run(r);
	}
	wait(r, 200000);
	c = rig_counts(r);
	check(c.calls == 0 && c.txns == 0, "something is left");
	check(c.ports_free == 100, "ports are left");
	rig_close(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	record_check(bytes_mem(data, size), again);
	check_life(bytes_mem(data, size));
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TANDEM_FUZZ_SIG_RECORD_H
#define TANDEM_FUZZ_SIG_RECORD_H
/*
 * What holds for a record of any kind: what is taken is written as it was read (decode, encode, decode agree to the byte). For the one
 * target that includes this.
 */
#include "base/compiler.h"
#include "sig/host/host.h"
#include "sig/record/call_record.h"
#include "tests/unit/sig/null_services.h"
#include "tests/unit/sig/rig.h"

static void check(bool ok, const char *what)
{
	if (ok)
		return;
	(void)fprintf(stderr, "%s\n", what);
	abort();
}

/* Reads a record and writes it to out. False: it was refused, with a reason. */
typedef bool record_again_fn(const struct call_host *h, struct bytes record, struct text *out);

/* Of its own: the settings are big. */
static NOINLINE void record_settings_fill(struct shard_settings *out)
{
	*out = rig_settings();
}

static inline void record_check(struct bytes record, record_again_fn *again)
{
	static struct shard_settings settings;
	static uint8_t space[HOST_SPACE];
	static const struct hash_key key = { 1, 2 };
	struct rand_source rand;
	struct call_host h = {
		.settings = &settings,
		.features = sig_features,
		.services = &null_services,
		.rand = &rand,
		.space = space,
		.packing = packing_open(),
		.now = { .ns = 1000 * NS_PER_S, .utc_ms = UINT64_C(1750000000000) },
	};
	struct text first = { 0 }, second = { 0 };

	record_settings_fill(&settings);
	steady_open(&h.steady, settings.boot, h.now);
	check(!tenants_open(&settings.tenants, &key), "memory");
	check(h.packing != NULL, "memory");
	if (record.n < HOST_SPACE / 4 && again(&h, record, &first)) {
		check(again(&h, text_bytes(&first), &second), "what was written is refused");
		check(bytes_eq(text_bytes(&first), text_bytes(&second)), "written differently");
	}
	free(h.packing);
	tenants_close(settings.tenants);
	text_clear(&first);
	text_clear(&second);
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A record of a subscription from anywhere. What is taken is written as it was read (decode, encode, decode agree to the byte), within
 * its bounds. What is refused leaves nothing and names a reason.
 */
#include "base/compiler.h"
#include "sig/host/host.h"
#include "sig/subscription/subscription.h"
#include "tests/unit/sig/rig.h"

static void check(bool ok, const char *what)
{
	if (ok)
		return;
	(void)fprintf(stderr, "%s\n", what);
	abort();
}

static void check_bounds(const struct call_host *h, const struct subscription *sub)
{
	check(sub->id && sub->version && sub->package < PACKAGES, "no subscription");
	check(sub->watcher.n && sub->resource.n, "nobody");
	check(sub->dialog.hop.local < h->settings->local_count, "no address of ours");
	check(sub->dialog.local_cseq == sub->limit, "a number may be used twice");
	check(sub->expires_ns <= h->now.ns + 24 * 3600 * NS_PER_S, "it never ends");
}

static bool again(const struct call_host *h, struct bytes record, struct text *out)
{
	struct subscription *sub = calloc(1, sizeof(*sub));
	const char *reason = NULL;
	int err;

	check(sub != NULL, "memory");
	err = subscription_decode(h, sub, record, &reason);
	check(!err || (reason && reason[0]), "refused without a reason");
	if (!err) {
		check_bounds(h, sub);
		check(!subscription_encode(h, sub, out), "not written");
		subscription_clear(sub);
	}
	free(sub);
	return !err;
}

/* Of its own: the settings are big. */
static NOINLINE void settings_fill(struct shard_settings *out)
{
	*out = rig_settings();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct shard_settings settings;
	static uint8_t space[HOST_SPACE];
	static const struct hash_key key = { 1, 2 };
	struct call_host h = {
		.settings = &settings,
		.space = space,
		.now = { .ns = 1000 * NS_PER_S, .utc_ms = UINT64_C(1750000000000) },
	};
	struct text first = { 0 }, second = { 0 };

	settings_fill(&settings);
	steady_open(&h.steady, settings.boot, h.now);
	check(!tenants_open(&settings.tenants, &key), "memory");
	if (size < HOST_SPACE / 4 && again(&h, bytes_mem(data, size), &first)) {
		check(again(&h, text_bytes(&first), &second), "what was written is refused");
		check(bytes_eq(text_bytes(&first), text_bytes(&second)), "written differently");
	}
	tenants_close(settings.tenants);
	text_clear(&first);
	text_clear(&second);
	return 0;
}

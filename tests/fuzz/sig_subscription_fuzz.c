/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A record of a subscription from anywhere. What is taken is written as it was read (decode, encode, decode agree to the byte), within
 * its bounds. What is refused leaves nothing and names a reason.
 */
#include "sig/subscription/subscription.h"
#include "tests/fuzz/sig_record.h"

static void check_bounds(const struct call_host *h, const struct subscription *sub)
{
	check(sub->id && sub->version && sub->package, "no subscription");
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	record_check(bytes_mem(data, size), again);
	return 0;
}

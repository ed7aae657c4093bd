/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/call/act_record.h"

#include "sig/call/recording.h"

bool act_record_begin(struct call_host *h, struct call *c, uint8_t leg)
{
	struct acts *a = c->acts;

	a->recording = recording_message_begin(h, c, leg, bytes_str(a->terms.mailbox));
	a->until_ns = h->now.ns + a->terms.message_max_ms * NS_PER_MS;
	return a->recording;
}

void act_record_close(struct call_host *h, struct call *c, enum act_outcome outcome)
{
	struct acts *a = c->acts;

	recording_message_end(h, c, a->recording);
	a->closing = (uint8_t)(outcome + 1);
	a->until_ns = h->now.ns + ACT_CLOSE_MS * NS_PER_MS;
	outbox_touch(&c->out);
}

void act_record_stop(struct call_host *h, struct call *c)
{
	recording_message_end(h, c, c->acts->recording);
}

const char *act_record_reason(const struct acts *a, enum act_outcome outcome)
{
	bool is_short = a->message_ms < a->terms.message_min_ms;

	switch (outcome) {
	case ACT_ENDED:
		return is_short ? "short" : "silence";
	case ACT_KEY:
		return is_short ? "short" : "key";
	case ACT_TIMEOUT:
		return is_short ? "short" : "max";
	case ACT_HANGUP:
		return is_short ? "short" : "hangup";
	case ACT_FAILED:
		return "failed";
	case ACT_STOPPED:
		return "stopped";
	case ACT_OUTCOMES:
		break;
	}
	return "";
}

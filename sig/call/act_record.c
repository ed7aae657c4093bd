/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/call/act_record.h"

#include "sig/call/recording.h"

bool prompt_record_begin(struct call_host *h, struct call *c, uint8_t leg)
{
	struct prompts *a = c->prompts;

	a->recording = recording_message_begin(h, c, leg, bytes_str(a->terms.mailbox));
	a->until_ns = h->now.ns + a->terms.message_max_ms * NS_PER_MS;
	return a->recording;
}

void prompt_record_close(struct call_host *h, struct call *c, enum prompt_outcome outcome)
{
	struct prompts *a = c->prompts;

	recording_message_end(h, c, a->recording);
	a->closing = (uint8_t)(outcome + 1);
	a->until_ns = h->now.ns + PROMPT_CLOSE_MS * NS_PER_MS;
	outbox_touch(&c->out);
}

void prompt_record_stop(struct call_host *h, struct call *c)
{
	recording_message_end(h, c, c->prompts->recording);
}

const char *prompt_record_reason(const struct prompts *a, enum prompt_outcome outcome)
{
	bool is_short = a->message_ms < a->terms.message_min_ms;

	switch (outcome) {
	case PROMPT_ENDED:
		return is_short ? "short" : "silence";
	case PROMPT_DIGIT:
		return is_short ? "short" : "key";
	case PROMPT_TIMEOUT:
		return is_short ? "short" : "max";
	case PROMPT_HANGUP:
		return is_short ? "short" : "hangup";
	case PROMPT_FAILED:
		return "failed";
	case PROMPT_STOPPED:
		return "stopped";
	case PROMPT_OUTCOMES:
		break;
	}
	return "";
}

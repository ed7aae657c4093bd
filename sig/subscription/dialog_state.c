/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/subscription/dialog_state.h"

enum { MARK_HELD = 0x10 };

/* A phone that says 100 alone rings in a moment. */
static enum dialog_phase asked_phase(const struct leg *l)
{
	if (!l->uac || l->uac->state < UAC_PROCEEDING)
		return PHASE_TRYING;
	return PHASE_EARLY;
}

static enum dialog_phase asking_phase(const struct leg *l)
{
	if (!l->uas || l->uas->provisional < 101)
		return PHASE_TRYING;
	return PHASE_EARLY;
}

static enum dialog_phase phase_of(const struct leg *l)
{
	switch (l->state) {
	case LEG_EARLY:
		return l->called ? asked_phase(l) : asking_phase(l);
	case LEG_ANSWERED:
	case LEG_CONFIRMED:
		return PHASE_CONFIRMED;
	case LEG_LEAVING:
	case LEG_CLOSED:
		return PHASE_TERMINATED;
	}
	return PHASE_TERMINATED;
}

static bool is_held(const struct leg *l)
{
	return l->held || l->holds;
}

uint8_t dialog_state_mark(const struct leg *l)
{
	return (uint8_t)((phase_of(l) + 1U) | (is_held(l) ? MARK_HELD : 0U));
}

void dialog_state_read(struct dialog_state *out, const struct leg *l)
{
	static const struct hash_key
		key; /* nothing hides in the id: the same dialog has it in each process */
	const struct dialog *d = &l->dialog;

	*out = (struct dialog_state){
		.phase = phase_of(l),
		.recipient = l->called,
		.held = is_held(l),
		.shard = id_shard(dialog_call(d)) + 1U,
		.call_id = text_bytes(&d->call_id),
		.tag = text_bytes(&d->remote_tag),
		.remote_tag = dialog_tag(d),
		.local = text_bytes(&d->remote),
		.remote = text_bytes(&d->local),
	};
	out->id = hash_sip(&key, bytes_mem(out->remote_tag.text, sizeof(out->remote_tag.text)));
	out->id += out->id == 0;
}

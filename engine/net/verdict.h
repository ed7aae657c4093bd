/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of a packet. Stages set it, out_stage carries it out. The drops and their names: verdict.def. */
#ifndef ENGINE_NET_VERDICT_H
#define ENGINE_NET_VERDICT_H

enum verdict {
	VERDICT_NONE, /* no stage has decided yet */
	VERDICT_RELAY,
#define DROP(suffix, label) VERDICT_##suffix,
#include "engine/net/verdict.def"
#undef DROP
	VERDICT_COUNT,
};

/* "relayed", or the label of the drop. */
const char *verdict_name(enum verdict v);
/* reason="…", for the metric; constant. NULL for what is no drop. */
const char *verdict_label(enum verdict v);

#endif

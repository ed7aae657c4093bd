/* SPDX-License-Identifier: Apache-2.0 */
/* Two legs that hear each other: what the engine does, by what each has agreed on for itself. Pure. */
#ifndef MEDIA_BRIDGE_H
#define MEDIA_BRIDGE_H

#include "media/session.h"

/* A line is active where it is so on both legs, and they have a codec in common. */
void bridge_map(const struct session *a, const struct session *b, struct media_plan *out);

#endif

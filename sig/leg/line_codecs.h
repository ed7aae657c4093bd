/* SPDX-License-Identifier: Apache-2.0 */
/* Codecs of an m-line that we know, and may say to the party. Read from the texts. */
#ifndef SIG_LEG_LINE_CODECS_H
#define SIG_LEG_LINE_CODECS_H

#include "media/codec.h"
#include "media/flow.h"

struct leg;

/* In the party's own order; what we did not say to it, it need not take. How many. */
uint8_t line_codecs(const struct leg *l, uint8_t line, struct media_taken out[PAYLOAD_RULES_MAX]);

#endif

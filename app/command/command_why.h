/* SPDX-License-Identifier: Apache-2.0 */
/* Words for the reasons of refusals (sig_refused_name). */
#ifndef APP_COMMAND_COMMAND_WHY_H
#define APP_COMMAND_COMMAND_WHY_H

#include <stdbool.h>

/* What it means, and what to do. False: it is not known. */
bool refusal_words(const char *name, const char **sentence, const char **next);

#endif

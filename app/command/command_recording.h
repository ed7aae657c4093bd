/* SPDX-License-Identifier: Apache-2.0 */
/* Links to files of recordings, and answers of tandem-store. Control thread. */
#ifndef APP_COMMAND_COMMAND_RECORDING_H
#define APP_COMMAND_COMMAND_RECORDING_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"

struct command_run;
struct node;

/* Links to files of recordings (recording.link, message.link). False: the run has failed. */
bool command_recording_has_port(struct command_run *run);
/* NULL: the name is too long. */
json_t *command_recording_linked(struct command_run *run, struct bytes name);
/* struct node_hooks.delivered */
void command_recording_on_delivered(struct node *n, uint64_t ticket, const json_t *line,
				    const char *why);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Prompts that are recorded by phone. Control thread. */
#ifndef APP_COMMAND_COMMAND_PROMPT_H
#define APP_COMMAND_COMMAND_PROMPT_H

#include <stdint.h>

struct node;

/* A recorded message's file is complete: stores it as the prompt that it was recorded for. */
void command_prompt_said(struct node *n, uint64_t call, uint8_t number, uint64_t ms);

#endif

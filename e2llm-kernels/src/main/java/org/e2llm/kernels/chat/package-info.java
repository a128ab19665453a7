/**
 * Chat templates: how a model wants a conversation written.
 *
 * <p>A model's template is a small Jinja program in its metadata. {@link
 * org.e2llm.kernels.chat.ChatTemplates} recognises the known formats; a template of one of them is
 * then evaluated by a bounded interpreter of the part of Jinja that such templates use, so that its
 * text is the template's own, byte for byte. The template is untrusted: it can reach nothing but
 * the conversation, and its work and output are limited.
 */
@NullMarked
package org.e2llm.kernels.chat;

import org.jspecify.annotations.NullMarked;

/** Fields of requests and replies between siblings: nobody else is sent one, or believed one. */

/** Shows that it is a sibling that speaks. */
export const TOKEN_FIELD = "x-atoll-token";

export const QUESTION_FIELD = "x-atoll-question";

export const ANSWER_FIELD = "x-atoll-answer";

/** RFC 2518 §10.1, 102 (Processing): the question has come, and the answer will take a moment. */
export const ACCEPTED = 102;

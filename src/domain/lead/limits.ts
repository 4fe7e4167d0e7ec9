/** Leads in one request of `POST /api/leads/bulk`: what the API refuses, its documentation says and the pages promise. */
export const leadsPerRequest = 5_000;

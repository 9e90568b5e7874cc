// Shows the description of the interface. Nothing is asked of another host: not the badge of a validator, not an
// address from the query.

SwaggerUIBundle({
  url: "/openapi.json",
  domNode: document.querySelector("#docs"),
  presets: [SwaggerUIBundle.presets.apis],
  layout: "BaseLayout",
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  docExpansion: "list",
  queryConfigEnabled: false,
  validatorUrl: null,
});

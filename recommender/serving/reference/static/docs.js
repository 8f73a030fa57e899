"use strict";

const place = document.getElementById("reference");

SwaggerUIBundle({
    url: place.dataset.contract,
    domNode: place,
    deepLinking: true,
    docExpansion: "list",
    defaultModelsExpandDepth: -1,
    displayRequestDuration: true,
    persistAuthorization: false,
    supportedSubmitMethods: ["get", "post"],
    // The colours of the highlighter are too faint to read.
    syntaxHighlight: { activated: false },
    validatorUrl: null,
});

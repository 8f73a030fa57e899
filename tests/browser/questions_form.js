// Shows the answer of GET /v1/questions with react-jsonschema-form, without code about the practice.
import { createElement } from "react";
import { createRoot } from "react-dom/client";
import Form from "@rjsf/core";
import { customizeValidator } from "@rjsf/validator-ajv8";
import Ajv2020 from "ajv/dist/2020.js";

const validator = customizeValidator({ AjvClass: Ajv2020 });

window.showQuestions = (questions) => {
  const form = createElement(Form, {
    schema: questions.schema,
    uiSchema: questions.ui_schema,
    validator,
    // An answer that no longer applies is left out.
    omitExtraData: true,
    liveOmit: true,
    onSubmit: ({ formData }) => { window.answers = formData; },
    onError: (errors) => { window.faults = errors.map((each) => each.stack); },
  });
  createRoot(document.body.appendChild(document.createElement("main"))).render(form);
};

"""A FastAPI route that gives back bytes it was once handed: the floor under any answer."""

import argparse

import uvicorn
from fastapi import FastAPI, Request, Response

app = FastAPI(openapi_url=None)


@app.post("/answer")
async def remember(request: Request) -> Response:
    """Keeps the bytes to answer with."""
    app.state.answer = await request.body()
    return Response(status_code=200)


@app.post("/v1/recommendations")
async def answer(request: Request) -> Response:
    """Reads the request and gives the kept bytes."""
    await request.body()
    return Response(app.state.answer, media_type="application/json")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    # Asked in turn with a server that may take long.
    uvicorn.run(
        app,
        port=parser.parse_args().port,
        # The parser of uvicorn alone: ratios can be compared with those since the first.
        http="h11",
        access_log=False,
        log_config=None,
        ws="none",
        timeout_keep_alive=600,
    )

using System.Net;
using System.Text.Json;
using MeshLite.ControlPlane.Listeners;
using MeshLite.ControlPlane.Resources.Reading;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;

namespace MeshLite.ControlPlane.Injection;

/// <summary>Answers one question of the API server. What it throws is answered as a failure of ours.</summary>
internal delegate ValueTask<AdmissionAnswer> AdmissionHandler(AdmissionRequest request, CancellationToken cancellationToken);

/// <summary>
/// The webhooks as the API server calls them: an AdmissionReview by POST, one in answer, with a plain sentence where the answer is no, or where we fail.
/// What is no AdmissionReview gets a status of HTTP. Thread-safe; runs on request threads.
/// </summary>
internal sealed class WebhookServer
{
    /// <value>Bytes. 7 MiB: objects are at most 3 MiB, and an update has two of them.</value>
    private const int MaxBodyBytes = 7 * 1024 * 1024;

    /// <value>From the first byte of the head to the last of the body: the API server sends it at once. 5 s.</value>
    private static readonly TimeSpan BodyTimeout = TimeSpan.FromSeconds(5);

    /// <value>For a place. 8 s: longer than <see cref="BodyTimeout"/>, so that who waits behind bodies that do not come outlasts them; API servers wait for 10.</value>
    private static readonly TimeSpan PlaceTimeout = TimeSpan.FromSeconds(8);

    // Each may hold a body of the largest size: 32 of these are 224 MiB. Who has only a few bytes to say holds its place for BodyTimeout, no longer.
    private readonly CallerSlots _slots = new(total: 32, ofOne: 16, waiting: 512);

    // The object is in the review, which makes it deeper: its reader says what is too deep.
    private static readonly JsonDocumentOptions Json = new() { MaxDepth = 2 * YamlReader.MaxDepth };

    private readonly Dictionary<string, (string Name, AdmissionHandler Handler)> _webhooks;
    private readonly TimeProvider _time;
    private readonly ControlPlaneMetrics _metrics;
    private readonly ILogger _log;

    /// <summary><paramref name="inject"/> at <c>/inject</c>, <paramref name="validate"/> at <c>/validate</c>.</summary>
    public WebhookServer(AdmissionHandler inject, AdmissionHandler validate, ControlPlaneMetrics metrics, TimeProvider time, ILogger<WebhookServer> log)
    {
        _webhooks = new(StringComparer.Ordinal) { ["/inject"] = ("inject", inject), ["/validate"] = ("validate", validate) };
        _time = time;
        _metrics = metrics;
        _log = log;
    }

    /// <summary>A <see cref="RequestDelegate"/>.</summary>
    public async Task HandleAsync(HttpContext context)
    {
        if (!_webhooks.TryGetValue(context.Request.Path.Value ?? "", out var webhook))
        {
            await RefuseAsync(context, StatusCodes.Status404NotFound, "not here: /inject, /validate");
            return;
        }

        if (!HttpMethods.IsPost(context.Request.Method))
        {
            context.Response.Headers.Allow = HttpMethods.Post;
            await RefuseAsync(context, StatusCodes.Status405MethodNotAllowed, "only POST");
            return;
        }

        if (!context.Request.HasJsonContentType())
        {
            await RefuseAsync(context, StatusCodes.Status415UnsupportedMediaType, "only application/json");
            return;
        }

        var address = context.Connection.RemoteIpAddress ?? IPAddress.None;
        if (!await TryEnterAsync(address, context.RequestAborted))
        {
            _metrics.AdmissionAnswered(webhook.Name, "busy");
            context.Response.Headers.RetryAfter = "1";
            await RefuseAsync(context, StatusCodes.Status503ServiceUnavailable, "too many ask at once; try again");
            return;
        }

        (int Status, string Why)? refusal;
        try
        {
            refusal = await ReviewAsync(context, webhook.Name, webhook.Handler);
        }
        finally
        {
            _slots.Leave(address);
        }

        // Without a place: who does not read why holds none.
        if (refusal is { } no)
        {
            await RefuseAsync(context, no.Status, no.Why);
        }
    }

    private async ValueTask<bool> TryEnterAsync(IPAddress address, CancellationToken aborted)
    {
        using var patience = new CancellationTokenSource(PlaceTimeout, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, aborted);
        try
        {
            return await _slots.EnterAsync(address, either.Token);
        }
        catch (OperationCanceledException) when (!aborted.IsCancellationRequested)
        {
            return false;
        }
    }

    /// <summary>Answers; or why there is nothing to answer.</summary>
    private async Task<(int Status, string Why)?> ReviewAsync(HttpContext context, string name, AdmissionHandler handler)
    {
        var (document, status, problem) = await ReadAsync(context);
        using (document)
        {
            if (document is null || AdmissionRequest.Read(document.RootElement, out problem) is not { } request)
            {
                _metrics.AdmissionAnswered(name, "error");
                return (status, problem!);
            }

            var answer = await AnswerAsync(name, handler, request, context.RequestAborted);
            _metrics.AdmissionAnswered(name, answer.Result);
            context.Response.ContentType = "application/json";
            var review = answer.ToReview(request.Uid);
            context.Response.ContentLength = review.Length;
            await context.Response.Body.WriteAsync(review, context.RequestAborted);
            return null;
        }
    }

    private async ValueTask<AdmissionAnswer> AnswerAsync(string webhook, AdmissionHandler handler, AdmissionRequest request, CancellationToken cancellationToken)
    {
        try
        {
            var answer = await handler(request, cancellationToken);
            if (answer.Message is not null)
            {
                InjectionLog.Refused(_log, webhook, request.Kind, request.Namespace, answer.Message);
            }

            return answer;
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            throw;
        }
        catch (Exception error)
        {
            InjectionLog.Failed(_log, error, webhook, request.Kind, request.Namespace);
            return AdmissionAnswer.Failed($"MeshLite's webhook {webhook} failed: {error.Message}");
        }
    }

    private async Task<(JsonDocument? Document, int Status, string? Problem)> ReadAsync(HttpContext context)
    {
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
        {
            limit.MaxRequestBodySize = MaxBodyBytes;
        }

        using var patience = new CancellationTokenSource(BodyTimeout, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, context.RequestAborted);
        try
        {
            return (await JsonDocument.ParseAsync(context.Request.Body, Json, either.Token), StatusCodes.Status400BadRequest, null);
        }
        catch (JsonException error)
        {
            return (null, StatusCodes.Status400BadRequest, $"not JSON: {error.Message}");
        }
        catch (BadHttpRequestException error)
        {
            return (null, error.StatusCode, error.Message);
        }
        catch (OperationCanceledException) when (!context.RequestAborted.IsCancellationRequested)
        {
            return (null, StatusCodes.Status408RequestTimeout, $"the body did not come within {BodyTimeout.TotalSeconds:0} s");
        }
    }

    private static Task RefuseAsync(HttpContext context, int status, string why)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "text/plain; charset=utf-8";
        return context.Response.WriteAsync(why + "\n", context.RequestAborted);
    }
}

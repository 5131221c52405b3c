using System.Collections.Concurrent;
using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using MeshLite.Kubernetes;
using Microsoft.AspNetCore.Http;

namespace MeshLite.TestKit.Kubernetes;

/// <summary>From a request to its answer: who asks, planned faults, which verb. Also without a network (<see cref="InProcessHandler"/>).</summary>
internal sealed class ApiPipeline(
    ApiReads reads, ApiWatches watches, ApiWrites writes, ApiTokens tokens, ApiFaults faults, ConcurrentQueue<string> log)
{
    /// <summary>Set by TLS where the caller showed a certificate of the server's authority.</summary>
    public const string CertificateUser = "certificate-user";

    private readonly Lock _lock = new();

    /// <summary>What is served, by group, version and plural name.</summary>
    public IReadOnlyDictionary<(string, string, string), ApiKind> Kinds { get; private set; } =
        ApiKind.Defaults().ToDictionary(k => (k.Type.Group, k.Type.Version, k.Type.Plural));

    public void Define(ApiKind kind)
    {
        lock (_lock)
        {
            Kinds = new Dictionary<(string, string, string), ApiKind>(Kinds) { [KeyOf(kind.Type)] = kind };
        }
    }

    public void Undefine(ResourceType type)
    {
        lock (_lock)
        {
            var kinds = new Dictionary<(string, string, string), ApiKind>(Kinds);
            kinds.Remove(KeyOf(type));
            Kinds = kinds;
        }
    }

    /// <summary>The kind, whatever the type of its objects on the other side.</summary>
    public ApiKind KindOf(ResourceType type) =>
        Kinds.TryGetValue(KeyOf(type), out var kind) ? kind : throw new ArgumentException($"this server has no {type}: Define it", nameof(type));

    public async Task HandleAsync(HttpContext http)
    {
        var (method, target) = (http.Request.Method, http.Request.Path + http.Request.QueryString.Value);
        log.Enqueue($"{method} {target}");
        try
        {
            var user = UserOf(http) ?? throw new ApiError(HttpStatusCode.Unauthorized, "Unauthorized", "Unauthorized");
            if (faults.ErrorFor(method, target) is { } fault)
            {
                throw fault;
            }

            await DispatchAsync(http, user);
        }
        catch (ApiError error)
        {
            if (error.RetryAfter is { } wait)
            {
                http.Response.Headers.RetryAfter = ((int)Math.Ceiling(wait.TotalSeconds)).ToString();
            }

            await AnswerAsync(http, error.ToStatus(), error.Code);
        }
        catch (Exception error) when (error is not OperationCanceledException && !http.Response.HasStarted)
        {
            // A mistake of this server's, which should be seen.
            await AnswerAsync(http, new ApiError(HttpStatusCode.InternalServerError, "InternalError", $"the fake failed: {error}").ToStatus(), HttpStatusCode.InternalServerError);
        }
    }

    private async Task DispatchAsync(HttpContext http, string user)
    {
        switch (http.Request.Path.Value)
        {
            case "/readyz" or "/livez" or "/healthz":
                await http.Response.WriteAsync("ok");
                return;
            case "/version":
                await AnswerAsync(http, new JsonObject { ["major"] = "1", ["minor"] = "36", ["gitVersion"] = "v1.36.0-fake" });
                return;
            case "/apis/authentication.k8s.io/v1/tokenreviews" when HttpMethods.IsPost(http.Request.Method):
                await AnswerAsync(http, tokens.Review((await BodyAsync(http)).AsObject()), HttpStatusCode.Created);
                return;
        }

        var request = ApiRequest.Parse(http.Request, Kinds, user);
        switch (http.Request.Method)
        {
            case "GET" when request.Name is not null:
                await AnswerAsync(http, reads.Get(request));
                return;
            case "GET" when request["watch"] is "true" or "1":
                await watches.ServeAsync(request, http);
                return;
            case "GET":
                await AnswerAsync(http, reads.List(request));
                return;
            case "POST" when request.Name is null && (request.Namespace is not null || !request.Kind.Type.IsNamespaced):
                await AnswerAsync(http, await writes.CreateAsync(request, await ObjectAsync(http)), HttpStatusCode.Created);
                return;
            case "PUT" when request.Name is not null:
                await AnswerAsync(http, await writes.ReplaceAsync(request, await ObjectAsync(http)));
                return;
            case "PATCH" when request.Name is not null:
                await PatchAsync(http, request);
                return;
            case "DELETE" when request.Name is not null && request.Subresource is null:
                await AnswerAsync(http, await writes.DeleteAsync(request, http.Request.ContentLength is null or > 0 ? await BodyAsync(http) as JsonObject : null));
                return;
            default:
                throw new ApiError(HttpStatusCode.MethodNotAllowed, "MethodNotAllowed", "the server does not allow this method on the requested resource");
        }
    }

    private async Task PatchAsync(HttpContext http, ApiRequest request)
    {
        switch (http.Request.ContentType?.Split(';')[0])
        {
            case "application/merge-patch+json":
                await AnswerAsync(http, await writes.MergePatchAsync(request, await ObjectAsync(http)));
                return;
            case "application/json-patch+json":
                await AnswerAsync(http, await writes.JsonPatchAsync(request, (await BodyAsync(http)).AsArray()));
                return;
            case "application/apply-patch+yaml":
                var (json, isNew) = await writes.ApplyAsync(request, await ObjectAsync(http));
                await AnswerAsync(http, json, isNew ? HttpStatusCode.Created : HttpStatusCode.OK);
                return;
            default:
                // A strategic merge patch needs the schemas of the built-in kinds.
                throw new ApiError(HttpStatusCode.UnsupportedMediaType, "UnsupportedMediaType", "the body of the request was in an unknown format");
        }
    }

    private string? UserOf(HttpContext http)
    {
        if (http.Request.Headers.Authorization is [{ } header] && header.StartsWith("Bearer ", StringComparison.Ordinal))
        {
            return tokens.UserOf(header["Bearer ".Length..]);
        }

        return http.Connection.ClientCertificate is not null || http.Items.ContainsKey(CertificateUser) ? "kubernetes-admin" : null;
    }

    private static async Task<JsonObject> ObjectAsync(HttpContext http) =>
        await BodyAsync(http) as JsonObject ?? throw ApiError.BadRequest("the object provided is unrecognized");

    private static async Task<JsonNode> BodyAsync(HttpContext http)
    {
        try
        {
            return await JsonNode.ParseAsync(http.Request.Body) ?? throw ApiError.BadRequest("the body is empty");
        }
        catch (JsonException error)
        {
            throw ApiError.BadRequest($"couldn't read the body: {error.Message}");
        }
    }

    private static Task AnswerAsync(HttpContext http, JsonObject json, HttpStatusCode status = HttpStatusCode.OK)
    {
        http.Response.StatusCode = (int)status;
        http.Response.ContentType = "application/json";
        var bytes = JsonSerializer.SerializeToUtf8Bytes(json);
        http.Response.ContentLength = bytes.Length;
        return http.Response.Body.WriteAsync(bytes).AsTask();
    }

    private static (string, string, string) KeyOf(ResourceType type) => (type.Group, type.Version, type.Plural);
}

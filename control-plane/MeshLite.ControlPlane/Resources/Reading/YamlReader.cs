using System.Buffers;
using System.Collections.Immutable;
using System.Globalization;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace MeshLite.ControlPlane.Resources.Reading;

/// <summary>
/// YAML text to <see cref="Node"/> trees, one for each document. Built on YamlDotNet's events rather than its representation
/// model, which recurses without bound on nested input, unfolds aliases without bound, and fails a whole file on one
/// duplicate key. Pure; throws nothing.
/// </summary>
internal sealed class YamlReader
{
    /// <summary>Largest nesting. <value>64.</value></summary>
    public const int MaxDepth = 64;

    /// <summary>Most values in a file, each use of an alias counted in full. <value>200,000.</value></summary>
    public const int MaxNodes = 200_000;

    private static readonly SearchValues<char> HexDigits = SearchValues.Create("0123456789abcdefABCDEF");
    private static readonly SearchValues<char> NumberCharacters = SearchValues.Create("0123456789.eE+-");

    private readonly Parser _parser;
    private readonly Dictionary<string, Anchored> _anchors = new(StringComparer.Ordinal);
    private int _nodes;

    private YamlReader(string text) => _parser = new Parser(new StringReader(text));

    /// <summary>Reads all documents; empty ones are left out. On a syntax error there is no document, but the problem.</summary>
    public static YamlResult Read(string text)
    {
        var reader = new YamlReader(text);
        try
        {
            return new YamlResult(reader.ReadStream(), null);
        }
        catch (YamlException problem)
        {
            return Failed(problem.Start.Line, problem.Message);
        }
        catch (Exception problem) when (problem is InvalidOperationException or ArgumentException or FormatException or IndexOutOfRangeException or OverflowException)
        {
            // YamlDotNet 16.3 loses its way on some garbage ("...\n" before a stray '}', escapes beyond Unicode).
            return Failed(reader._parser.Current?.End.Line ?? 1, $"not YAML: {problem.Message}");
        }

        // At the end of the text the parser stands one line after the last.
        YamlResult Failed(long line, string message) =>
            new([], new YamlProblem((int)Math.Clamp(line, 1, 1 + text.AsSpan().TrimEnd('\n').Count('\n')), message));
    }

    private ImmutableArray<Node> ReadStream()
    {
        var documents = ImmutableArray.CreateBuilder<Node>();
        _parser.Consume<StreamStart>();
        while (_parser.TryConsume<DocumentStart>(out _))
        {
            _anchors.Clear();
            var root = ReadNode(0);
            if (root is not ScalarNode { Kind: ScalarKind.Null })
            {
                documents.Add(root);
            }

            _parser.Consume<DocumentEnd>();
        }

        _parser.Consume<StreamEnd>();
        return documents.ToImmutable();
    }

    private Node ReadNode(int depth)
    {
        var start = Current();
        if (depth > MaxDepth)
        {
            throw new YamlException(start.Start, start.End, $"nested deeper than {MaxDepth} levels");
        }

        if (_parser.TryConsume<AnchorAlias>(out var alias))
        {
            return Resolve(alias, depth);
        }

        var before = _nodes;
        Count(start, 1);
        Node node = start switch
        {
            Scalar => ReadScalar(),
            SequenceStart => ReadList(depth),
            MappingStart => ReadMap(depth),
            _ => throw new YamlException(start.Start, start.End, "a value is missing"),
        };
        if (start is NodeEvent { Anchor: { IsEmpty: false } anchor })
        {
            _anchors[anchor.Value] = new Anchored(node, _nodes - before, DepthOf(node));
        }

        return node;
    }

    private Node Resolve(AnchorAlias alias, int depth)
    {
        // An anchor is known once its value is complete: a value that contains itself never gets here.
        if (!_anchors.TryGetValue(alias.Value.Value, out var anchored))
        {
            throw new YamlException(alias.Start, alias.End, $"no value is called *{alias.Value.Value} before this");
        }

        if (depth + anchored.Depth > MaxDepth)
        {
            throw new YamlException(alias.Start, alias.End, $"nested deeper than {MaxDepth} levels");
        }

        Count(alias, anchored.Nodes);
        return anchored.Node;
    }

    private ScalarNode ReadScalar()
    {
        var scalar = _parser.Consume<Scalar>();
        var kind = scalar.Style == ScalarStyle.Plain ? KindOf(scalar.Value) : ScalarKind.Text;
        if (!scalar.Tag.IsEmpty)
        {
            kind = scalar.Tag.Value is "tag:yaml.org,2002:str" or "!"
                ? ScalarKind.Text
                : throw new YamlException(scalar.Start, scalar.End, $"the tag {scalar.Tag.Value} is not supported");
        }

        return new ScalarNode(LineOf(scalar), kind, scalar.Value);
    }

    private ListNode ReadList(int depth)
    {
        var start = _parser.Consume<SequenceStart>();
        RefuseTag(start);
        var items = ImmutableArray.CreateBuilder<Node>();
        while (!_parser.TryConsume<SequenceEnd>(out _))
        {
            items.Add(ReadNode(depth + 1));
        }

        return new ListNode(LineOf(start), items.ToImmutable());
    }

    private MapNode ReadMap(int depth)
    {
        var start = _parser.Consume<MappingStart>();
        RefuseTag(start);
        var fields = ImmutableArray.CreateBuilder<FieldNode>();
        while (!_parser.TryConsume<MappingEnd>(out _))
        {
            var at = Current();
            if (ReadNode(depth + 1) is not ScalarNode key)
            {
                throw new YamlException(at.Start, at.End, "a field's name must be a single word");
            }

            fields.Add(new FieldNode(key.Text, key.Line, ReadNode(depth + 1)));
        }

        return new MapNode(LineOf(start), fields.ToImmutable());
    }

    private ParsingEvent Current()
    {
        _parser.Accept<ParsingEvent>(out var current);
        return current ?? throw new YamlException("the text ends too early");
    }

    private void Count(ParsingEvent at, int nodes)
    {
        _nodes += nodes;
        if (_nodes > MaxNodes)
        {
            throw new YamlException(at.Start, at.End, $"more than {MaxNodes} values");
        }
    }

    private static void RefuseTag(NodeEvent node)
    {
        if (!node.Tag.IsEmpty)
        {
            throw new YamlException(node.Start, node.End, $"the tag {node.Tag.Value} is not supported");
        }
    }

    private static int DepthOf(Node node) => node switch
    {
        ListNode list => 1 + list.Items.Select(DepthOf).DefaultIfEmpty().Max(),
        MapNode map => 1 + map.Fields.Select(f => DepthOf(f.Value)).DefaultIfEmpty().Max(),
        _ => 0,
    };

    // YAML 1.2.2 §10.3.2, core schema.
    private static ScalarKind KindOf(string text) => text switch
    {
        "" or "~" or "null" or "Null" or "NULL" => ScalarKind.Null,
        "true" or "True" or "TRUE" or "false" or "False" or "FALSE" => ScalarKind.Boolean,
        _ when IsInteger(text) => ScalarKind.Integer,
        _ when IsNumber(text) => ScalarKind.Number,
        _ => ScalarKind.Text,
    };

    private static int LineOf(ParsingEvent at) => (int)at.Start.Line;

    private static bool IsInteger(string text)
    {
        var digits = text.AsSpan(text[0] is '-' or '+' ? 1 : 0);
        return digits.StartsWith("0o") ? digits.Length > 2 && !digits[2..].ContainsAnyExceptInRange('0', '7')
            : digits.StartsWith("0x") ? digits.Length > 2 && !digits[2..].ContainsAnyExcept(HexDigits)
            : digits.Length > 0 && !digits.ContainsAnyExceptInRange('0', '9');
    }

    private static bool IsNumber(string text) =>
        text.TrimStart('-', '+').ToUpperInvariant() is ".INF" or ".NAN"
        || (!text.AsSpan().ContainsAnyExcept(NumberCharacters) && double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out _));

    private readonly record struct Anchored(Node Node, int Nodes, int Depth);
}

/// <summary>What a text holds.</summary>
internal readonly record struct YamlResult(ImmutableArray<Node> Documents, YamlProblem? Problem);

/// <summary>Why a text is not YAML.</summary>
internal sealed record YamlProblem(int Line, string Message);
